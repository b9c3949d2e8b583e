import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { formatBytes } from '@espalier/report';
import { beforeAll, describe, expect, it } from 'vitest';
import { flowers, write } from '../../datasets/test/made.js';
import { aimsOf } from '../src/commands/compress-aims.js';
import { compressOnce } from '../src/pipeline/compress-once.js';
import { silent } from '../src/pipeline/listener.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import type { Trial } from '../src/pipeline/search/rank.js';
import { searchRecipe } from '../src/pipeline/search/search.js';
import { openSensitivity } from '../src/pipeline/sensitivity-of.js';
import { loadRecipe } from '../src/recipe/load.js';
import { Hand, inProcesses } from '../src/trials/processes.js';
import type { Seeded } from '../src/trials/several.js';
import { spanOf } from '../src/trials/span.js';
import type { RecipeTask } from '../src/trials/task.js';
import { espalier, folder } from './fixtures.js';

let home: string;
let recipe: string;
let model: string;
let backend: Awaited<ReturnType<typeof startBackend>>;

/** A table, and a recipe over it that takes a second. */
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu', log: () => {} });
  home = folder();
  flowers(join(home, 't.csv'), 60);
  recipe = write(
    join(home, 'recipe.yaml'),
    `name: small
seed: 3
data: { csv: t.csv, target: kind, batchSize: 8 }
model: { layers: [{ dense: { units: 8, activation: relu } }, { dense: { units: 2, activation: softmax } }] }
stages:
  - { name: dense, epochs: 2, learningRate: 0.02 }
  - name: prune
    epochs: 2
    schedules: [{ use: '@espalier/pruners#agp', options: { final: 0.5 }, parameters: '**/kernel', end: 1 }]
search:
  paths:
    stages.prune.learningRate: { from: 0.001, to: 0.1, scale: log }
    stages.prune.schedules.0.options.final: { from: 0.2, to: 0.9 }
`,
  );
  await runRecipe(await loadRecipe(recipe), { out: join(home, 'run'), backend });
  model = join(home, 'run', 'tfjs');
});

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of a file
const json = (file: string): any => JSON.parse(readFileSync(file, 'utf8'));

describe('trials side by side, in processes of this machine', () => {
  it('of a search come to what they come to in this process', async () => {
    const loaded = await loadRecipe(recipe);
    const alone = await searchRecipe(loaded, { out: join(home, 'alone'), trials: 4, backend });
    const out = join(home, 'aside');
    const args = ['search', recipe, '--trials', '4', '--backend', 'cpu', '--parallel', '2', '--out', out];
    const { code, stderr } = await espalier(args);
    expect([code, stderr]).toEqual([0, '']);
    const result = ({ trial, values, error, bytes }: Trial): unknown => [trial, values, error, bytes];
    const all = (of: readonly Trial[]): unknown[] => [...of].sort((a, b) => a.trial - b.trial).map(result);
    expect(all(json(join(out, 'search.json')).trials)).toEqual(all(alone.trials));
    expect(readFileSync(join(out, 'best.yaml'), 'utf8')).toBe(
      readFileSync(join(home, 'alone', 'best.yaml'), 'utf8'),
    );
    for (const at of ['0-0', '3-0']) {
      const bytes = (of: string): Buffer => readFileSync(join(home, of, 'trials', at, 'model.esp'));
      expect(bytes('aside').equals(bytes('alone'))).toBe(true);
    }
  }, 120_000);

  it('of seeds are runs with these seeds, told by median and range', async () => {
    const out = join(home, 'seeds');
    const args = ['run', recipe, '--seeds', '2', '--parallel', '2', '--backend', 'cpu', '--out', out];
    const { code, stdout, stderr } = await espalier(args);
    expect([code, stderr]).toEqual([0, '']);
    const rows = json(join(out, 'seeds.json'));
    expect(rows.map(({ seed }: Seeded) => seed)).toEqual([3, 4]);
    const one = readFileSync(join(home, 'run', 'model.esp'));
    expect(readFileSync(join(out, 'seed-3', 'model.esp')).equals(one)).toBe(true);
    expect(readFileSync(join(out, 'seed-4', 'model.esp')).equals(one)).toBe(false);
    const { median } = spanOf(rows.map(({ outcome }: Seeded) => outcome?.bytes ?? 0));
    expect(stdout).toContain(`bytes: median ${formatBytes(median)}`);
  }, 120_000);

  it('of a sensitivity are the curves of one process', async () => {
    const out = join(home, 'curves');
    const args = ['sensitivity', model, '--data', recipe, '--levels', '0.3,0.6', '--backend', 'cpu'];
    const { code } = await espalier([...args, '--parallel', '2', '--out', out]);
    expect(code).toBe(0);
    const use = { model, data: recipe, more: {}, pruned: 'element' as const, levels: [0.3, 0.6] };
    const opened = await openSensitivity(use);
    const measured = await opened.measure();
    opened.close();
    expect(measured.curves).toHaveLength(2);
    expect(json(join(out, 'sensitivity.json'))).toEqual(measured);
  }, 120_000);

  it('of aims are a file each, as compress writes it', async () => {
    const common = ['--seconds', 'Infinity', '--backend', 'cpu', '--calibrate', recipe, '--count', '16'];
    const args = ['compress', model, ...common, '-o', join(home, 'm.esp'), '--aims', '25,40'];
    const { code, stdout } = await espalier([...args, '--parallel', '2']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/25 dB.*40 dB.*median/s)]);
    const calibration = { count: 16, length: 48, range: [0, 1] as [number, number], seed: 1 };
    const use = { model, calibrate: recipe, calibration, inputs: [], aim: { quality: 40 } };
    const quiet = { start: async () => {}, log: () => {}, warn: () => {} };
    await compressOnce(use, join(home, 'one.esp'), quiet);
    const bytes = (name: string): Buffer => readFileSync(join(home, name));
    expect(bytes('m-40dB.esp').equals(bytes('one.esp'))).toBe(true);
    expect(bytes('m-25dB.esp').length).toBeLessThan(bytes('m-40dB.esp').length);
  }, 120_000);
});

it.each([
  ['25,25', {}, /25 twice/],
  ['25,x', {}, /--aims is 'x'/],
  ['25', { bits: 3 }, /--bits/],
])('aims that are none are refused: %s beside %j', (text, other, message) => {
  expect(() => aimsOf(text, other)).toThrow(message);
});

it('the middle of an even number of values is between two', () => {
  expect(spanOf([4, 1, 2, 9])).toEqual({ median: 3, least: 1, most: 9 });
  expect(spanOf([10, 9, 2])).toEqual({ median: 9, least: 2, most: 10 });
});

it('a process that ends under a trial is followed by another, which goes on with it', async () => {
  const slow = await loadRecipe(recipe, { set: ['stages.dense.epochs=60', 'stages.prune.epochs=2'] });
  await runRecipe(slow, { out: join(home, 'slow'), backend });
  const warned: string[] = [];
  const killed = new Set<Hand>();
  const listener = { ...silent, warn: (line: string) => void warned.push(line) };
  const run = Hand.prototype.run;
  // The first process is killed as soon as its trial has told of an epoch.
  Hand.prototype.run = function (this: Hand, task, out) {
    const heard = {
      epoch: () => {
        if (killed.size > 0) return;
        killed.add(this);
        void this.kill('for a test');
      },
    };
    return run.call(this, task, out, heard) as never;
  };
  const crew = inProcesses(1, { backend: 'cpu', listener });
  try {
    const set = ['stages.dense.epochs=60', 'stages.prune.epochs=2'];
    const task: RecipeTask = { kind: 'recipe', file: recipe, set, measure: 'test' };
    const outcome = await crew.run({ name: 'it', out: join(home, 'again'), task });
    expect('failed' in outcome).toBe(false);
    expect(warned).toEqual([expect.stringContaining('for a test')]);
    const bytes = (of: string): Buffer => readFileSync(join(home, of, 'model.esp'));
    expect(bytes('again').equals(bytes('slow'))).toBe(true);
  } finally {
    Hand.prototype.run = run;
    await crew.close();
  }
}, 120_000);

it('an error of a trial comes out as it is, with its code', async () => {
  const crew = inProcesses(1, { backend: 'cpu', listener: silent });
  const task: RecipeTask = { kind: 'recipe', file: join(home, 'none.yaml'), set: [], measure: 'test' };
  await expect(crew.run({ name: 'it', out: join(home, 'none'), task })).rejects.toMatchObject({
    code: 'bad-recipe',
    message: expect.stringContaining('There is no file'),
  });
  await crew.close();
  await expect(Hand.start({ backend: 'none' })).rejects.toMatchObject({ code: 'unknown-name' });
});
