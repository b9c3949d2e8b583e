import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBackend } from '@espalier/backend';
import type { EpochMetrics } from '@espalier/core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { silent } from '../src/pipeline/listener.js';
import { runRecipe } from '../src/pipeline/run-recipe.js';
import { loadRecipe } from '../src/recipe/load.js';
import { folder, tinyCifar } from './fixtures.js';

vi.setConfig({ testTimeout: 300_000 });

let backend: Awaited<ReturnType<typeof startBackend>>;
let data: string;
beforeAll(async () => {
  backend = await startBackend({ prefer: 'cpu' });
  data = tinyCifar(join(folder(), 'data'), 20);
});

const obd = fileURLToPath(new URL('../../../examples/third-party-plugin/index.js', import.meta.url));

/** Two stages that share a plugin; the second one's options are what is given, or the first one's. */
function recipeOf(plugin: string, options: string, more: { stages?: string; every?: string } = {}): string {
  const file = join(folder(), 'recipe.yaml');
  const schedule = `schedules: [{ plugin: p, parameters: '**/kernel', ${more.every ?? ''} }]`;
  writeFileSync(
    file,
    `name: tiny
seed: 7
data: { name: cifar10, dir: ${data}, validation: 20, batchSize: 20 }
model: { layers: [ { averagePooling2d: { poolSize: 8 } }, { flatten: {} }, { dense: { name: a, units: 12, activation: relu } }, { dense: { name: b, units: 10, activation: softmax } } ] }
plugins: { p: { use: '${plugin}', options: ${options} } }
stages:
${more.stages ?? `  - { name: first, epochs: 2, learningRate: 0.02, ${schedule} }\n  - { name: second, epochs: 3, learningRate: 0.02, ${schedule} }`}
`,
  );
  return file;
}

/** The file that a run writes; stopped after so many epochs, and resumed, where that is said. */
async function fileOf(recipe: string, stopAfter?: number): Promise<{ bytes: Buffer; report: Report }> {
  const out = join(folder(), 'out');
  if (stopAfter !== undefined) {
    const controller = new AbortController();
    let epochs = 0;
    const listener = {
      ...silent,
      epoch(_: EpochMetrics) {
        if (++epochs === stopAfter) controller.abort();
      },
    };
    const stopped = runRecipe(await loadRecipe(recipe), {
      out,
      backend,
      listener,
      signal: controller.signal,
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  }
  const report = await runRecipe(await loadRecipe(recipe), { out, backend, resume: stopAfter !== undefined });
  return { bytes: readFileSync(join(out, 'model.esp')), report };
}
type Report = Awaited<ReturnType<typeof runRecipe>>;

describe('a run that is stopped between two stages ends as it would have', () => {
  it.each([
    ['sensitivity', '@espalier/pruners#sensitivity', '{ sensitivity: 0.7 }', {}],
    ['Baidu by a quantile', '@espalier/pruners#baiduRnn', '{ quantile: 0.5 }', {}],
    ['splicing', '@espalier/pruners#splicing', '{ sensitivity: 0 }', { every: 'every: { steps: 1 },' }],
    ['growing', '@espalier/regularizers#growing', '{ sparsity: 0.5, strength: 0.5 }', {}],
    ['optimal brain damage', `${obd}#obd`, '{ sparsity: 0.6 }', {}],
    ['a mixture prior', '@espalier/priors-gmm#gaussianMixturePrior', '{ components: 3, tau: 0.5 }', {}],
    ['a rate', '@espalier/rate#ratePrior', '{ weight: { bytes: 60 }, pruneFrom: 0.5 }', {}],
    ['a posterior', '@espalier/bayesian-layers#groupNormalJeffreys', '{ pruneFrom: 0.5, frames: false }', {}],
  ])('%s', async (_, plugin, options, more) => {
    const recipe = recipeOf(plugin, options, more);
    const whole = await fileOf(recipe);
    const resumed = await fileOf(recipe, 2);
    expect(resumed.report.compressed.nonzero).toBe(whole.report.compressed.nonzero);
    expect(resumed.bytes.equals(whole.bytes)).toBe(true);
  });
});

describe('a plugin of a recipe', () => {
  it('in two schedules of a stage prunes both', async () => {
    const half = (parameters: string): string => `{ plugin: p, parameters: ${parameters} }`;
    const stages = `  - { name: both, epochs: 2, schedules: [ ${half('a/kernel')}, ${half('b/kernel')} ] }`;
    const { report } = await fileOf(recipeOf('@espalier/pruners#level', '{ sparsity: 0.5 }', { stages }));
    const nonzero = (name: string): number => report.tensors.find((t) => t.name === name)!.nonzero;
    expect([nonzero('a/kernel'), nonzero('b/kernel')]).toEqual([(48 * 12) / 2, 60]);
  });

  it('may run the forward pass alone, or only look', async () => {
    const file = join(folder(), 'plugins.mjs');
    writeFileSync(
      file,
      `let steps = 0;
export const passing = () => ({ name: 'passing', kinds: ['forward'], start: () => ({ forward: (at, pass) => pass() }) });
export const looking = () => ({ name: 'looking', kinds: ['observer'], start: () => ({ observe() { steps++; } }) });
export const seen = () => steps;
`,
    );
    for (const factory of ['passing', 'looking']) await fileOf(recipeOf(`${file}#${factory}`, '{}'));
    const { seen } = (await import(file)) as { seen: () => number };
    expect(seen()).toBe(5 * 4); // five epochs of four steps
  });

  it('that only acts in training is refused as a stage before anything is trained', async () => {
    const stages = '  - { name: dense, epochs: 1 }\n  - { name: once, plugin: p }';
    const recipe = recipeOf('@espalier/regularizers#l2', '{ strength: 0.1 }', { stages });
    const epochs: number[] = [];
    const listener = { ...silent, epoch: ({ epoch }: EpochMetrics) => void epochs.push(epoch) };
    const work = runRecipe(await loadRecipe(recipe), { out: join(folder(), 'out'), backend, listener });
    await expect(work).rejects.toMatchObject({ code: 'bad-recipe' });
    expect(epochs).toEqual([]);
  });

  it('goes on with the momenta of the stage before: two stages are as one', async () => {
    const stage = (name: string, epochs: number, more = ''): string =>
      `  - { name: ${name}, epochs: ${epochs}, optimizer: { name: sgd, momentum: 0.9 }, learningRate: 0.02${more} }`;
    const stages = (more: string): string => [stage('one', 2), stage('two', 2, more)].join('\n');
    const recipes = [stages(', continueSlots: true'), stages('')].map((own) =>
      recipeOf('@espalier/pruners#level', '{ sparsity: 0.5 }', { stages: own }),
    );
    const [continued, resumed] = [await fileOf(recipes[0]), await fileOf(recipes[0], 2)];
    expect(resumed.bytes.equals(continued.bytes)).toBe(true);
    expect((await fileOf(recipes[1])).bytes.equals(continued.bytes)).toBe(false);
  });
});
