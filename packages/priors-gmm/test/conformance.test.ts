import '@tensorflow/tfjs-backend-cpu';
import { type Plugin, Run, train } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { gaussianMixturePrior, type MixturePriorOptions } from '../src/index.js';

const options: MixturePriorOptions = { components: 3, tau: 0.1, means: [-0.2, 0.2], deviation: 0.1 };

describe('the mixture prior is as plugins are', () => {
  it.each<[string, MixturePriorOptions]>([
    ['one mixture', options],
    [
      'mixtures by layer that prune, with a share that is learned and a τ that grows',
      {
        ...options,
        share: 'layer',
        pruneFrom: 0.5,
        zeroShare: { mode: 0.5, strength: 10 },
        tau: { from: 0.1, zeros: 0.9 },
        frames: false,
      },
    ],
  ])('%s', async (_, own) => {
    const tried = await conformance(gaussianMixturePrior(own), { factory: gaussianMixturePrior });
    expect(tried.length).toBeGreaterThan(8);
  });

  it('its quantizer', async () => {
    const model = (): tfl.LayersModel =>
      tfl.sequential({
        layers: [
          tfl.layers.dense({
            name: 'fc',
            units: 3,
            inputShape: [6],
            kernelInitializer: tfl.initializers.glorotUniform({ seed: 1 }),
          }),
        ],
      });
    const data = () => ({
      size: 8,
      stepsPerEpoch: 2,
      *batches(epoch: number) {
        for (const seed of [1, 2]) {
          yield {
            inputs: tf.randomNormal([4, 6], 0, 1, 'float32', 10 * epoch + seed),
            labels: tf.tensor2d([1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0], [4, 3]),
          };
        }
      },
    });
    const prior = gaussianMixturePrior(options);
    const run = new Run(model());
    const running = await run.start(prior);
    await train(run, { data: data(), epochs: 1, schedules: [{ plugin: running }] });
    const known = await running.save();
    running.dispose();
    const plugin: Plugin = {
      ...prior.quantizer,
      start: (run, of, state) => prior.quantizer.start(run, of, state ?? known),
    };
    expect((await conformance(plugin, { model, data })).length).toBeGreaterThan(8);
  });
});
