import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, lstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { describe, expect, it } from 'vitest';
import { flowers, write } from '../../datasets/test/made.js';
import { lookAt } from '../src/init/look.js';
import { alreadyDone } from '../src/pipeline/already-done.js';
import { writeWhole } from '../src/pipeline/files.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { stateOf } from '../src/pipeline/search/state.js';
import { loadRecipe } from '../src/recipe/load.js';
import { cliFile, folder } from './fixtures.js';

const pipe = (file: string): string => {
  expect(spawnSync('mkfifo', [file]).status).toBe(0);
  return file;
};

describe.skipIf(process.platform === 'win32')('a pipe, which would be waited for', () => {
  it('is no recipe', async () => {
    const file = pipe(join(folder(), 'recipe.yaml'));
    await expect(loadRecipe(file)).rejects.toMatchObject({
      code: 'bad-recipe',
      message: expect.stringContaining(`${file} is no regular file.`),
    });
  });

  it.each(['t.csv', 't.tsv', 'lines.jsonl', 'text.txt'])('is no data: %s', async (name) => {
    const file = pipe(join(folder(), name));
    await expect(lookAt(file, {} as never)).rejects.toThrow(`${file} is no regular file.`);
  });

  it('stays where it is when something is to be written there', async () => {
    const file = pipe(join(folder(), 'model.esp'));
    await expect(writeWhole(file, 'x')).rejects.toMatchObject({ code: 'disk' });
    expect(lstatSync(file).isFIFO()).toBe(true);
  });
});

it.each(['{', 'null', '[]', '{"fingerprint":"a","trials":[null]}', '{"fingerprint":"a","trials":{}}'])(
  'a search that was damaged is told: %s',
  async (text) => {
    const out = folder();
    writeFileSync(join(out, 'search.json'), text);
    await expect(stateOf(out, 'a', { resume: true, from: [] })).rejects.toMatchObject({ code: 'bad-state' });
    await expect(stateOf(folder(), 'a', { resume: false, from: [out] })).rejects.toMatchObject({
      code: 'bad-state',
    });
  },
);

it('a run that is done is not that of other data, nor with a bit flipped', async () => {
  const home = folder();
  const table = flowers(join(home, 't.csv'), 40);
  const recipe = write(
    join(home, 'recipe.yaml'),
    `name: done
data: { csv: t.csv, target: kind, batchSize: 8 }
model: { layers: [{ dense: { units: 2, activation: softmax } }] }
stages: [{ name: dense, epochs: 1 }]
`,
  );
  const out = join(home, 'out');
  expect(await alreadyDone(await loadRecipe(recipe), out)).toBeUndefined();
  const backend = await startBackend({ prefer: 'cpu', log: () => {} });
  const report = await runRecipe(await loadRecipe(recipe), { out, backend });
  expect((await alreadyDone(await loadRecipe(recipe), out))?.name).toBe(report.name);
  const before = readFileSync(table);
  const [head, first, second, ...rest] = before.toString().split('\n');
  write(table, [head, second, first, ...rest].join('\n'));
  await expect(alreadyDone(await loadRecipe(recipe), out)).rejects.toMatchObject({ code: 'bad-state' });
  writeFileSync(table, before);
  const checkpoint = join(out, 'checkpoint', 'state.bin');
  const bytes = readFileSync(checkpoint);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(checkpoint, bytes);
  await expect(alreadyDone(await loadRecipe(recipe), out)).rejects.toMatchObject({ code: 'bad-state' });
});

it.runIf(existsSync('/dev/full'))(
  'what cannot be written is told, without a stack and without an end',
  () => {
    const full = openSync('/dev/full', 'w');
    const out = spawnSync(process.execPath, [cliFile, '--help'], { stdio: ['ignore', full, 'pipe'] });
    expect(out.status).toBe(1);
    expect(String(out.stderr)).toBe('error: standard output cannot be written (ENOSPC); it is not whole.\n');
    const both = spawnSync(process.execPath, [cliFile, 'nonesuch'], {
      stdio: ['ignore', full, full],
      timeout: 60_000,
    });
    expect(both.status).toBe(2);
    closeSync(full);
  },
);
