import { stat } from 'node:fs/promises';
import { type Examples, type InputSpec, pixelRange, sampleExamples } from '@espalier/compress';
import { EspalierError, randomUniform } from '@espalier/core';
import type { DataPart } from '@espalier/datasets';
import { cutPictures, picturesIn, readNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import { isData } from './data-argument.js';
import { examplesOfData } from './examples-of-data.js';

/** How inputs are made. */
export interface CalibrationOptions {
  readonly count: number;
  /** Values of pictures: black and white. */
  readonly range: readonly [number, number];
  /** Pixels, or elements, along axes that take any size. */
  readonly length: number;
  readonly seed: number;
  /** Of data as a recipe has them: which part of them. Default `train`. */
  readonly part?: DataPart;
}

/**
 * Inputs for a model: photographs of ours and made-up ones (`sample`), from a folder of pictures or one picture, or from `.npy` files, one per input,
 * separated by commas; or the inputs of data as a recipe has them, in braces or by the recipe's path.
 *
 * @throws EspalierError `bad-data`
 */
export async function calibrationOf(
  source: string,
  inputs: readonly InputSpec[],
  { count, range, length, seed, part = 'train' }: CalibrationOptions,
): Promise<Examples> {
  if (source === 'sample') return sampleExamples(inputs, { count, range, length, seed });
  if (isData(source)) return examplesOfData(source, inputs, { count, seed, part });
  if (source.endsWith('.npy')) {
    const arrays = await Promise.all(source.split(',').map((file) => readNpy(file)));
    return arrays.map(({ shape, values }, i) => {
      const dtype = inputs[i]?.dtype;
      return tf.tensor(values, [...shape], dtype === 'int32' || dtype === 'bool' ? dtype : 'float32');
    });
  }
  const info = await stat(source).catch(() => undefined);
  if (info === undefined) {
    throw new EspalierError('bad-data', `There is no ${source}.`, {
      remedy: 'Give a folder of pictures, .npy files, or the word sample.',
    });
  }
  const [input] = inputs;
  const shape = input?.shape ?? [];
  if (inputs.length !== 1 || shape.length !== 4 || (shape[3] !== 3 && shape[3] !== 1)) {
    throw new EspalierError(
      'bad-data',
      `The model does not take pictures: its inputs are ${inputs.map((i) => `[${i.shape}]`)}.`,
      {
        remedy: 'Give .npy files.',
      },
    );
  }
  const random = randomUniform(seed);
  const [height, width] = [shape[1], shape[2]].map((n) => (n < 0 ? length : n));
  const size = { height, width, channels: shape[3] };
  const each = height * width * size.channels;
  const values = new Float32Array(count * each);
  const [low, high] = pixelRange(input, range);
  for await (const { index, part } of cutPictures(await picturesIn(source), size, count, random)) {
    for (const [i, v] of part.entries()) values[index * each + i] = low + (v / 255) * (high - low);
  }
  const shades = input.dtype === 'int32' ? values.map((v) => Math.round(v)) : values;
  return [tf.tensor(shades, [count, height, width, size.channels], input.dtype as 'float32')];
}
