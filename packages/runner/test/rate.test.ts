import '@tensorflow/tfjs-backend-cpu';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { groupNormalJeffreys } from '@espalier/bayesian-layers';
import { decode, encode, inspect } from '@espalier/codec';
import { disposeModel, Run, type Schedule, train } from '@espalier/core';
import { gaussianMixturePrior } from '@espalier/priors-gmm';
import { level } from '@espalier/pruners';
import * as structured from '@espalier/pruners-structured';
import { type RateWeight, ratePrior } from '@espalier/rate';
import { distillation, groupLasso } from '@espalier/regularizers';
import { formatBytes } from '@espalier/report';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it, vi } from 'vitest';
import { cli } from '../src/command-line.js';
import { artifactsOf } from '../src/pipeline/model-files.js';
import { dataOf, filters, net } from './every-plugin.js';
import { folder, tinyCifar, tinyRecipe } from './fixtures.js';

const beside: Record<string, () => Schedule[]> = {
  distillation: () => [{ plugin: distillation() }],
  'structured pruning': () => [
    {
      plugin: structured.structuredLevel({ structure: 'filters', sparsity: 0.5 }),
      parameters: filters,
    },
  ],
  'a group lasso': () => [
    {
      plugin: groupLasso({ strength: 1e-3, structure: 'filters', threshold: 0.01 }),
      parameters: filters,
    },
  ],
  'pruning of single weights': () => [{ plugin: level({ sparsity: 0.5 }), parameters: '**/kernel' }],
  'a mixture prior': () => [{ plugin: gaussianMixturePrior({ components: 4 }) }],
};

/** A net of numbers, trained for the rate and brought to its levels; `aim` of its file in bytes. */
async function regression(
  weight: RateWeight,
  epochs: number,
  {
    sizes: [size, hidden, units],
    steps,
    aim,
  }: { sizes: [number, number, number]; steps: number; aim?: number },
) {
  const dense = (units: number, seed: number, more: object) =>
    tfl.layers.dense({ units, kernelInitializer: tfl.initializers.glorotUniform({ seed }), ...more });
  const model = tfl.sequential({
    layers: [dense(hidden, 1, { inputShape: [size], activation: 'relu' }), dense(units, 2, {})],
  });
  const inputs = tf.randomNormal([48, size], 0, 1, 'float32', 5);
  const labels = tf.tidy(() =>
    tf.tanh(tf.matMul(inputs, tf.randomNormal([size, units], 0, 0.5, 'float32', 6))),
  );
  const batch = () => ({ inputs: tf.clone(inputs), labels: tf.clone(labels) });
  const data = {
    size: 48 * steps,
    stepsPerEpoch: steps,
    batches: () => Array.from({ length: steps }, batch),
  };
  const run = new Run(model, { seed: 1 });
  const packed = async ({ model }: Run) => encode(await artifactsOf(model), { small: true, effort: 5 });
  const prior = ratePrior({ weight, rates: { steps: 0.01, model: 0.1 }, ...(aim && { examples: 2000 }) });
  const coder = await run.start(prior, { parameters: '**' });
  const history = await train(run, {
    data,
    epochs,
    loss: 'meanSquaredError',
    learningRate: aim === undefined ? 0.01 : ({ epoch }) => 0.01 * (1 - epoch / epochs),
    schedules: [{ plugin: coder }],
    ...(aim !== undefined && { size: { aim, of: async () => (await packed(run)).length } }),
  });
  await run.quantize(prior.quantizer, '**', undefined, await coder.save());
  const end = (): void => {
    coder.dispose();
    tf.dispose([inputs, labels]);
    run.dispose();
    disposeModel(run.model);
  };
  return { run, coder, packed, history, end };
}

describe('training for the rate, beside', () => {
  it.each(Object.entries(beside))(
    '%s: the file holds what the quantizer made, to the bit',
    async (_, others) => {
      const run = net();
      const prior = ratePrior({ weight: 0.1 });
      const coder = await run.start(prior, { parameters: '**' });
      const schedules = [...others(), { plugin: coder }];
      await train(run, { data: dataOf(4), epochs: 3, learningRate: 0.01, schedules });
      await run.quantize(prior.quantizer, '**', undefined, await coder.save());
      coder.dispose();
      const artifacts = await artifactsOf(run.model);
      const back = decode(encode(artifacts));
      expect(
        Buffer.compare(
          Buffer.from(back.weightData as ArrayBuffer),
          Buffer.from(artifacts.weightData as ArrayBuffer),
        ),
      ).toBe(0);
      for (const parameter of run.parameters) {
        const mask = run.mask(parameter)?.dataSync();
        const values = parameter.variable.dataSync();
        if (mask) for (const [k, kept] of mask.entries()) if (kept === 0) expect(values[k]).toBe(0);
        expect(run.shared(parameter) === undefined).toBe(parameter.role === 'statistic');
      }
      run.dispose();
      disposeModel(run.model);
    },
  );

  it('takes what the model of the levels says, no more than 3 % over it', { timeout: 120_000 }, async () => {
    const { run, coder, packed, end } = await regression({ from: 0, to: 0.2 }, 8, {
      sizes: [30, 40, 10],
      steps: 10,
    });
    const said = coder.session.readings().reduce((sum, { bits }) => sum + bits / 8, 0);
    const { fileBytes, headerBytes } = inspect(await packed(run));
    expect(said).toBeGreaterThan(100);
    expect((fileBytes - headerBytes) / said).toBeLessThan(1.03);
    // What is near in rows and columns, the model does not see, and the coder does.
    expect((fileBytes - headerBytes) / said).toBeGreaterThan(0.93);
    end();
  });

  it('a file that shall take 180 bytes does, within a few percent', async () => {
    const aim = 180;
    const { run, packed, history, end } = await regression({ from: 0.01, to: 7 }, 30, {
      sizes: [16, 24, 6],
      steps: 20,
      aim,
    });
    const file = await packed(run);
    expect(file.length).toBe(history.at(-1)?.bytes); // What the last epoch was measured by is what there is.
    expect(file.length / aim).toBeGreaterThan(0.93);
    expect(file.length / aim).toBeLessThanOrEqual(1);
    end();
  });

  it('units that come to nothing are thinned away, and training goes on with what was learned', async () => {
    const run = net();
    const prior = ratePrior({ weight: 40, pruneFrom: 0.5, rates: { steps: 0.1 } });
    const options = { data: dataOf(4), epochs: 6, learningRate: 0.03 };
    const coder = await run.start(prior, { parameters: '**' });
    await train(run, { ...options, schedules: [{ plugin: coder }] });
    const state = await coder.save();
    coder.dispose();
    const before = run.parameters.reduce((sum, { size }) => sum + size, 0);
    const running = await run.start(structured.thin(), { parameters: '**' });
    const old = run.model;
    await run.replaceModel(await running.session.apply(old));
    running.dispose();
    disposeModel(old);
    expect(run.parameters.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(before);
    const later = await run.start(prior, { parameters: '**', state });
    await train(run, { ...options, epochs: 1, schedules: [{ plugin: later }] });
    later.dispose();
    run.dispose();
    disposeModel(run.model);
  });

  it('a posterior over the same weights is refused by name, in either order', async () => {
    for (const order of [0, 1]) {
      const run = net();
      const both: Schedule[] = [{ plugin: ratePrior() }, { plugin: groupNormalJeffreys() }];
      const work = train(run, { data: dataOf(2), epochs: 1, schedules: order === 0 ? both : both.reverse() });
      await expect(work).rejects.toThrow(
        /ratePrior: conv\/kernel has no part in this pass, or another plugin draws it/,
      );
      run.dispose();
      disposeModel(run.model);
    }
  });
});

it('--size steers a run by the file that it would write', async () => {
  const home = folder();
  const out = join(home, 'out');
  const stages = `plugins:
  coder: { use: '@espalier/rate#ratePrior', options: { weight: { from: 0.1, to: 1 } } }
stages:
  - name: rate
    epochs: 4
    learningRate: 0.01
    schedules: [{ plugin: coder, parameters: '**' }]
  - { name: levels, plugin: coder, parameters: '**' }
`;
  const recipe = tinyRecipe(home, tinyCifar(join(home, 'data'), 20), (text) =>
    text.replace(/stages:[\s\S]*/, stages),
  );
  const shown = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  expect(await cli(['run', recipe, '--size', '1.2kB', '--backend', 'cpu', '--out', out])).toBe(0);
  const lines = shown.mock.calls.map(([text]) => String(text)).join('');
  shown.mockRestore();
  const metrics = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const sizes = metrics.map((line) => (JSON.parse(line) as { bytes: number }).bytes);
  expect(sizes).toHaveLength(4);
  expect(sizes.at(-1)).toBe(statSync(join(out, 'model.esp')).size);
  expect(readFileSync(join(out, 'recipe.yaml'), 'utf8')).toMatch(/size: 1200/);
  expect(lines).toContain(formatBytes(sizes[3]));
});
