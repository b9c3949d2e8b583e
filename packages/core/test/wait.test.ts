import '@tensorflow/tfjs-backend-cpu';
import { type Batch, createTrainer, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
});

const batch = (): Batch => ({ inputs: tf.ones([2, 3]), labels: tf.ones([2, 1]) });

test.each(['at once', 'by and by'])(
  'an epoch says how long batches that come %s were waited for',
  async (how) => {
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [3] })] });
    /** Each batch takes 300 ms; that there is no more, 100 ms. */
    function* slow(): Generator<Batch> {
      for (let i = 0; i < 4; i++) {
        clock += 300;
        yield batch();
        clock += 50; // of which the maker knows, too
      }
      clock += 100;
    }
    async function* later(): AsyncGenerator<Batch> {
      yield* slow();
    }
    const data = { size: 8, stepsPerEpoch: 4, batches: () => (how === 'at once' ? slow() : later()) };
    const trainer = await createTrainer(new Run(model), { data, epochs: 1, loss: 'meanSquaredError' });
    const { wait, seconds } = await trainer.nextEpoch();
    expect(wait).toBeCloseTo((4 * 300 + 4 * 50 + 100) / 1000, 9);
    expect(seconds).toBeGreaterThanOrEqual(wait as number);
    trainer.dispose();
    model.dispose();
  },
);
