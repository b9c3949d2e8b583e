import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { sensitivities } from '../src/calibrate/sensitivity.js';
import { load } from '../src/model/load.js';
import { artifactsOf, noise, pictureNet } from './models.js';

describe('sensitivities', () => {
  test('sensitivities are squared derivatives', async () => {
    const model = await load(await artifactsOf(pictureNet()));
    const input = noise([6, 12, 12, 3], 4);
    const found = await sensitivities(model, [[input]], ['out/bias'], [1]);
    // Of softmax: the mean over outputs of (p_i (d_ij - p_j))^2, by random signs.
    const [output] = await model.run([input]);
    const p = output.arraySync() as number[][];
    for (let j = 0; j < 5; j++) {
      let exact = 0;
      for (const row of p)
        for (let i = 0; i < 5; i++) exact += (row[i] * ((i === j ? 1 : 0) - row[j])) ** 2 / 30;
      const estimate = found.get('out/bias')?.[j] ?? 0;
      expect(estimate / exact).toBeGreaterThan(0.2);
      expect(estimate / exact).toBeLessThan(4);
    }
    // Of angles: Fisher's information of a softmax's bias is p (1 - p).
    const angles = await sensitivities(model, [[input]], ['out/bias'], [1], [true]);
    for (let j = 0; j < 5; j++) {
      const exact = p.reduce((sum, row) => sum + (row[j] * (1 - row[j])) / 30, 0);
      const estimate = angles.get('out/bias')?.[j] ?? 0;
      expect(estimate / exact).toBeGreaterThan(0.2);
      expect(estimate / exact).toBeLessThan(4);
    }
    tf.dispose([output, input]);
    model.dispose();
  });
});
