import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokenRules } from '../check-rooms.mjs';
import { root } from '../lib/run.mjs';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'espalier-rooms-'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** A repository with one package. */
function repository(name: string, source: string, manifest: object = {}): string {
  for (const [path, text] of [
    ['package.json', JSON.stringify({ name: `@espalier/${name}`, ...manifest }, null, 2)],
    ['src/index.ts', source],
  ]) {
    const file = join(home, 'packages', name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return home;
}

test('this repository keeps the rules', () => {
  expect(brokenRules(root)).toEqual([]);
});

test.each([
  ['core', "import { prune } from '@espalier/pruners';", 'no other package of ours'],
  ['core', "import { readFileSync } from 'node:fs';", 'no Node modules'],
  ['core', "import { join } from 'path';", 'no Node modules'],
  ['core', "import { z } from 'zod';", 'uses no libraries'],
  ['core', "export * from '@tensorflow/tfjs-node';", 'of TensorFlow.js'],
  ['codec', "import type { Tensor } from '@tensorflow/tfjs-core';", 'nothing of TensorFlow.js'],
  ['codec', "import { Run } from '@espalier/core';", 'no other package of ours'],
  ['report', "const core = await import('@espalier/core');", 'no other package of ours'],
  ['some-pruners', "import { kmeans } from '@espalier/quantize-kmeans';", 'knows only core'],
  ['some-pruners', "import { runRecipe } from '@espalier/runner';", 'nobody knows runner'],
  ['some-pruners', "export { Run } from '../../core/src/run.js';", 'by their names'],
  ['datasets', "import { Run } from '@espalier/core';", 'knows only host'],
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
