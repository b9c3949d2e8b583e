import { createHash } from 'node:crypto';
import type { ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { startBackend } from '../../backend/src/index.js';
import { hasNative } from '../../backend/test/native.js';
import { compress } from '../src/compress.js';
import { artifactsOf, fill, pictureNet } from './models.js';

/** A net of matrix products, one of which is reshaped before its bias comes. */
function denseNet(): tfl.LayersModel {
  const { layers } = tfl;
  return fill(
    tfl.sequential({
      layers: [
        layers.dense({ units: 48, activation: 'tanh', inputShape: [32] }),
        layers.dense({ units: 32, activation: 'relu' }),
        layers.dense({ units: 10 }),
      ],
    }),
    7,
  );
}

/** A file's length and SHA-256, which say all that is compared. */
async function made(artifacts: ModelArtifacts): Promise<string> {
  const { file, fidelity } = await compress(artifacts, { quality: 40, sample: { count: 24, seed: 1 } });
  expect(fidelity.psnr).toBeGreaterThanOrEqual(40);
  return `${file.length} ${createHash('sha256').update(file).digest('hex')}`;
}

/**
 * Compresses nets on wasm and on the native backend with so many threads, which are set once, when it starts: the files are to be the
 * same.
 */
export function testSame(threads: number): void {
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_NUM_INTEROP_THREADS = '1';
  describe.each([
    ['a convolutional net', pictureNet],
    ['a net of matrix products', denseNet],
  ])('%s', (_, net) => {
    test.runIf(hasNative)(
      `is the same file on ${threads} native threads and on wasm`,
      async () => {
        await startBackend({ prefer: 'wasm' });
        expect(tf.getBackend()).toBe('wasm');
        const model = net();
        const artifacts = await artifactsOf(model);
        model.dispose();
        const onWasm = await made(artifacts);
        await startBackend({ prefer: 'native' });
        expect(tf.getBackend()).toBe('tensorflow');
        expect(await made(artifacts)).toBe(onWasm);
      },
      240_000,
    );
  });
}
