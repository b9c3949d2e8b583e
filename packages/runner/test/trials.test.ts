import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBackend } from '@espalier/backend';
import { formatBytes } from '@espalier/report';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flowers, write } from '../../datasets/test/made.js';
import { aimsOf } from '../src/commands/compress-aims.js';
import { compressOnce } from '../src/pipeline/compress-once.js';
import { silent } from '../src/pipeline/listener.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import type { Trial } from '../src/pipeline/search/rank.js';
import { searchRecipe } from '../src/pipeline/search/search.js';
import { openSensitivity } from '../src/pipeline/sensitivity-of.js';
import { loadRecipe } from '../src/recipe/load.js';
import type { Crew } from '../src/trials/crew.js';
import { Hand, inProcesses } from '../src/trials/processes.js';
import { compressToAims, type Seeded, sensitivityOfEach } from '../src/trials/several.js';
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

describe('trials side by side, in processes of this machine', () => {
  let crew: Crew;
  beforeAll(() => {
    crew = inProcesses(2, { backend: 'cpu', listener: silent });
  });
  afterAll(() => crew.close());

  it('of a search come to what they come to in this process', async () => {
    const loaded = await loadRecipe(recipe);
    const common = { trials: 3, backend };
    const alone = await searchRecipe(loaded, { ...common, out: join(home, 'alone') });
    const aside = await searchRecipe(loaded, { ...common, out: join(home, 'aside'), crew });
    const all = (of: readonly Trial[]): unknown[] =>
      [...of]
        .sort((a, b) => a.trial - b.trial)
        .map(({ trial, values, error, bytes }) => [trial, values, error, bytes]);
    expect(all(aside.trials)).toEqual(all(alone.trials));
    expect(aside.front).toEqual(alone.front);
    expect(readFileSync(aside.recipe, 'utf8')).toBe(readFileSync(alone.recipe, 'utf8'));
    const bytes = (of: string): Buffer => readFileSync(join(home, of, 'trials', '2-0', 'model.esp'));
    expect(bytes('aside').equals(bytes('alone'))).toBe(true);
  }, 120_000);

  it('of a sensitivity are the curves of one process', async () => {
    const use = { model, data: recipe, more: {}, pruned: 'element' as const, levels: [0.3, 0.6] };
    const opened = await openSensitivity(use);
    const measured = await opened.measure();
    const targets = opened.targets();
    opened.close();
    expect(targets).toHaveLength(2);
    const out = join(home, 'curves');
    expect(await sensitivityOfEach(use, targets, { crew, out })).toEqual(measured);
  }, 120_000);

  it('of aims are a file each, as compress writes it', async () => {
    const calibration = { count: 16, length: 48, range: [0, 1] as [number, number], seed: 1 };
    const use = { model, calibrate: recipe, calibration, inputs: [] };
    const out = (aim: number): string => join(home, `m-${aim}.esp`);
    const rows = await compressToAims(use, [25, 40], { crew, out });
    expect(rows.map(({ aim, met, out }) => [aim, met, out])).toEqual([
      [25, true, out(25)],
      [40, true, out(40)],
    ]);
    const quiet = { start: async () => {}, log: () => {}, warn: () => {} };
    await compressOnce({ ...use, aim: { quality: 40 } }, join(home, 'one.esp'), quiet);
    const [low, high] = [25, 40].map((aim) => readFileSync(out(aim)));
    expect(high.equals(readFileSync(join(home, 'one.esp')))).toBe(true);
    expect(low.length).toBeLessThan(high.length);
  }, 120_000);

  it('of seeds are runs with these seeds, told by median and range', async () => {
    const out = join(home, 'seeds');
    const args = ['run', recipe, '--seeds', '2', '--parallel', '2', '--backend', 'cpu', '--out', out];
    const { code, stdout, stderr } = await espalier(args);
    expect([code, stderr]).toEqual([0, '']);
    const rows = JSON.parse(readFileSync(join(out, 'seeds.json'), 'utf8')) as Seeded[];
    expect(rows.map(({ seed }) => seed)).toEqual([3, 4]);
    const one = readFileSync(join(home, 'run', 'model.esp'));
    expect(readFileSync(join(out, 'seed-3', 'model.esp')).equals(one)).toBe(true);
    expect(readFileSync(join(out, 'seed-4', 'model.esp')).equals(one)).toBe(false);
    const { median } = spanOf(rows.map(({ outcome }) => outcome?.bytes ?? 0));
    expect(stdout).toContain(`bytes: median ${formatBytes(median)}`);
  }, 120_000);

  it('that go wrong say why, with their code', async () => {
    const task: RecipeTask = { kind: 'recipe', file: join(home, 'none.yaml'), set: [], measure: 'test' };
    await expect(crew.run({ name: 'it', out: join(home, 'none'), task })).rejects.toMatchObject({
      code: 'bad-recipe',
      message: expect.stringContaining('There is no file'),
    });
  });
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
