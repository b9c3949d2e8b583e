import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokenRules, tangled } from '../check-rooms.mjs';
import { root } from '../lib/run.mjs';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'espalier-rooms-'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** A repository with one package; `more`: files beside its index. */
function repository(
  name: string,
  source: string,
  manifest: object = {},
  more: Record<string, string> = {},
): string {
  for (const [path, text] of [
    ['package.json', JSON.stringify({ name: `@espalier/${name}`, ...manifest }, null, 2)],
    ['src/index.ts', source],
    ...Object.entries(more),
  ]) {
    const file = join(home, 'packages', name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return home;
}

test('this repository keeps the rules', () => {
  expect(brokenRules(root, tangled)).toEqual([]);
});

test.each([
  ['core', "import { prune } from '@espalier/pruners';", 'only figures'],
  ['core', "import { readFileSync } from 'node:fs';", 'no Node modules'],
  ['core', "import { join } from 'path';", 'no Node modules'],
  ['core', "import { z } from 'zod';", 'uses no libraries'],
  ['core', "export * from '@tensorflow/tfjs-node';", 'of TensorFlow.js'],
  ['codec', "import type { Tensor } from '@tensorflow/tfjs-core';", 'nothing of TensorFlow.js'],
  ['codec', "import { Run } from '@espalier/core';", 'no other package of ours'],
  ['report', "const core = await import('@espalier/core');", 'only figures'],
  ['some-pruners', "import { kmeans } from '@espalier/quantize-kmeans';", 'knows only core'],
  ['some-pruners', "import { runRecipe } from '@espalier/runner';", 'only espalier knows runner'],
  ['some-pruners', "export { Run } from '../../core/src/run.js';", 'by their names'],
  ['datasets', "import { encode } from '@espalier/codec';", 'knows only core, formats, host'],
])('%s may not: %s', (name, source, reason) => {
  const broken = brokenRules(repository(name, `// A line before.\n${source}\n`));
  expect(broken).toHaveLength(1);
  expect(broken[0]).toMatch(new RegExp(`^packages/${name}/src/index.ts:2 `));
  expect(broken[0]).toContain(reason);
});

test.each([
  ['core', "import * as tf from '@tensorflow/tfjs-core';\nimport { a } from './a.js';"],
  ['some-pruners', "import { Run } from '@espalier/core';"],
  ['codec', "/** `import { Run } from '@espalier/core'` */\nexport const text = \"import 'node:fs'\";"],
  ['runner', "import { Run } from '@espalier/core';\nimport { z } from 'zod';\nimport 'node:fs';"],
  ['datasets', "import * as tf from '@tensorflow/tfjs-core';\nimport 'node:fs';"],
])('%s may: %s', (name, source) => {
  expect(brokenRules(repository(name, source))).toEqual([]);
});

test('dependencies follow the same rules', () => {
  const manifest = {
    dependencies: { '@espalier/quantize-kmeans': 'workspace:^', '@tensorflow/tfjs-core': '^4.22.0' },
    devDependencies: { '@espalier/runner': 'workspace:*' },
  };
  expect(brokenRules(repository('some-pruners', '', manifest))).toEqual([
    expect.stringMatching(
      /^packages\/some-pruners\/package.json:4 {2}depends on @espalier\/quantize-kmeans: /,
    ),
    expect.stringMatching(/^packages\/some-pruners\/package.json:5 .* peer everywhere$/),
  ]);
});

test('files of a package do not import each other in circles, not even types', () => {
  const more = {
    'src/a.ts': "import type { B } from './b.js';\nimport { c } from './inner/c.js';",
    'src/b.ts': "export const b = 1;\nexport { type D } from './inner/d.js';",
    'src/inner/c.ts': "import { b } from '../b.js';",
    'src/inner/d.ts': "import { a } from '../a.js';",
    'src/self.ts': "import { one } from './self.js';",
  };
  expect(brokenRules(repository('some-pruners', "import { a } from './a.js';", {}, more))).toEqual([
    'packages/some-pruners/src/a.ts:1  imports itself, by way of b.ts, by way of inner/d.ts',
    'packages/some-pruners/src/self.ts:1  imports itself',
  ]);
});

test('what many import is no circle', () => {
  const more = {
    'src/a.ts': "import { c } from './c.js';",
    'src/b.ts': "import { a } from './a.js';\nimport { c } from './c.js';",
    'src/c.ts': '',
  };
  expect(brokenRules(repository('some-pruners', "import './a.js';\nimport './b.js';", {}, more))).toEqual([]);
});

test('a floor knows those below it', () => {
  const more = {
    'src/coders/lz/decode.ts':
      "import { Reader } from '../../bytes/reader.js';\nimport { cut } from '../../container/header.js';",
    'src/container/header.ts':
      "import { decodeLz } from '../text/decode.js';\nimport { x } from '../errors.js';",
  };
  expect(brokenRules(repository('codec', '', {}, more))).toEqual([
    'packages/codec/src/coders/lz/decode.ts:2  imports ../../container/header.js: coders lies below container',
  ]);
});

test('a package that has been untied is no longer among the tangled', () => {
  const source = "import { a } from './index.js';";
  expect(brokenRules(repository('some-pruners', source), ['some-pruners'])).toEqual([]);
  expect(brokenRules(repository('some-pruners', ''), ['some-pruners'])).toEqual([
    'scripts/check-rooms.mjs  no file of some-pruners imports itself: take it from the tangled',
  ]);
});
