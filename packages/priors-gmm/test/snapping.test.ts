import { type PrunerSession, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { gaussianMixturePrior, type MixturePriorOptions, type SnapOptions } from '../src/index.js';
import { nearestMean } from '../src/internal/snap.js';
import { assign, started, stepAt, variablesOf } from './models.js';

const weights = [0.01, 0.1, 0.2, 0.22, -0.3, 0];
const runOfSix = (): Run => {
  const run = new Run(
    tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [6], useBias: false })] }),
  );
  assign(run.parameters[0].variable, weights);
  return run;
};
const options: MixturePriorOptions = {
  components: 4,
  examples: 1,
  means: [-0.3, 0.2, 0.21],
  deviation: 0.02,
};

/** What the weights become. */
async function snapped(
  snap: SnapOptions,
  { run = runOfSix(), ...own }: MixturePriorOptions & { run?: Run } = {},
) {
  const prior = gaussianMixturePrior({ ...options, ...own, snap });
  const running = await run.start(prior);
  await run.quantize(prior.quantizer, undefined, undefined, await running.save());
  running.dispose();
  return Array.from(run.parameters[0].variable.dataSync(), (w) => Number(w.toFixed(4)));
}

describe('the options of the snap', () => {
  it('merge: what is one component has one value', async () => {
    const apart = { merge: {} };
    expect(await snapped(apart)).toEqual([0, 0, 0.2, 0.21, -0.3, 0]);
    expect(await snapped({ merge: { distance: 1 } })).toEqual([0, 0, 0.205, 0.205, -0.3, 0]);
  });

  it('assign: by responsibility a greater share takes more, by distance the nearest', async () => {
    const unequal = { means: [-0.3, 0.19, 0.6], zeroShare: 0.9 };
    const [responsible, nearest] = [
      await snapped({ merge: {} }, unequal),
      await snapped({ merge: {}, assign: 'nearest' }, unequal),
    ];
    expect(responsible[1]).toBe(0); // 2.4 nats farther from 0, whose share is log 27 more
    expect(nearest[1]).toBe(0.19);
  });

  it('values: means, or what the weights of a component average to', async () => {
    const [, , ...averages] = await snapped({ merge: { distance: 1 }, values: 'averages' });
    expect(averages).toEqual([0.21, 0.21, -0.3, 0]);
  });

  it('pruned weights stay 0, whatever component 0 would be', async () => {
    const run = runOfSix();
    const mask = tf.tensor2d([1, 1, 1, 1, 1, 0], [6, 1]);
    run.setMask(run.parameters[0], mask);
    const greedy = { means: [-0.3, 0.001, 0.2], zeroShare: 0.01, run };
    expect((await snapped({ merge: {} }, greedy))[5]).toBe(0);
    expect((await snapped({ merge: {} }, { ...greedy, run: runOfSix() }))[5]).toBe(0.001);
  });
});

it('the nearest mean begins half-way', () => {
  const mixture = {
    means: Float64Array.of(0, 0.2),
    logPrecisions: Float64Array.of(0, 0),
    logShares: Float64Array.of(0, 0),
  };
  expect([...nearestMean(mixture, Float32Array.of(0.09, 0.11))]).toEqual([0, 1]);
});

it('what is pruned once stays pruned', () => {
  const run = runOfSix();
  run.setMask(run.parameters[0], tf.tensor2d([1, 1, 1, 1, 1, 0], [6, 1]));
  const { session } = started(run, { ...options, means: [-0.3, 0.001, 0.2], zeroShare: 0.01, pruneFrom: 0 });
  const [mask] = [
    ...((session as unknown as PrunerSession).masks(stepAt(0).at) as Map<unknown, tf.Tensor>).values(),
  ];
  expect(mask.dataSync()[5]).toBe(0);
  expect(mask.dataSync()[0]).toBe(1);
});

it('shares start at what is said: even ones, and the mode of a Beta prior', () => {
  for (const zeroShare of [0.7, { mode: 0.7, strength: 20 }]) {
    const running = started(runOfSix(), { ...options, zeroShare });
    const { logShares } = running.session.mixtures().get('all')!;
    const shares = Array.from(logShares, Math.exp);
    for (const [j, share] of [0.7, 0.1, 0.1, 0.1].entries()) expect(shares[j]).toBeCloseTo(share, 6);
    expect(variablesOf(running)).toHaveLength(typeof zeroShare === 'number' ? 3 : 4);
  }
});
