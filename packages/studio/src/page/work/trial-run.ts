import { decode, type ModelArtifacts } from '@espalier/codec';
import { type Executable, type InputSpec, load, pixelRange, sampleExamples } from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { parseNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';

/** What a person gives a model to try: a picture in RGBA, an array file, sound; nothing: an input is made up. */
export type Given =
  | {
      readonly kind: 'picture';
      readonly width: number;
      readonly height: number;
      readonly data: Uint8ClampedArray;
    }
  | { readonly kind: 'npy'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'sound'; readonly samples: Float32Array }
  | { readonly kind: 'made up' };

/** An input or output as it is shown. */
export interface Shown {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What both models made of an input. */
export interface TriedOn {
  /** In words. */
  readonly on: string;
  readonly inputs: readonly Shown[];
  readonly original: readonly Shown[];
  readonly small: readonly Shown[];
  /** Greatest difference, in parts of what the original's outputs span. */
  readonly difference: number;
}

function pictureTensor(
  { width, height, data }: Extract<Given, { kind: 'picture' }>,
  input: InputSpec,
  range: readonly [number, number],
): tf.Tensor {
  const [low, high] = pixelRange(input, range);
  const channels = input.shape[3];
  const values = new Float32Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = [data[4 * i], data[4 * i + 1], data[4 * i + 2]];
    const colours = channels === 1 ? [0.299 * r + 0.587 * g + 0.114 * b] : [r, g, b];
    for (const [c, shade] of colours.entries()) values[channels * i + c] = low + (shade / 255) * (high - low);
  }
  const shades = input.dtype === 'int32' ? values.map(Math.round) : values;
  return tf.tensor(shades, [1, height, width, channels], input.dtype as 'float32');
}

function soundTensor(samples: Float32Array, { shape, dtype }: InputSpec): tf.Tensor {
  const length = shape[1] > 0 ? shape[1] : samples.length;
  const values = new Float32Array(length);
  values.set(samples.subarray(0, length));
  return tf.tensor(values, shape.length === 3 ? [1, length, 1] : [1, length], dtype as 'float32');
}

/** Does the model take one picture? Then its size in pixels, 0 for any. */
export function pictureInput(inputs: readonly InputSpec[]): { width: number; height: number } | undefined {
  const [{ shape } = { shape: [] as readonly number[] }] = inputs;
  if (inputs.length !== 1 || shape.length !== 4 || (shape[3] !== 1 && shape[3] !== 3)) return undefined;
  return { height: Math.max(0, shape[1]), width: Math.max(0, shape[2]) };
}

async function inputsFor(
  given: Given,
  model: Executable,
  range: readonly [number, number],
): Promise<tf.Tensor[]> {
  const { inputs } = model;
  if (given.kind === 'made up') {
    return [...(await sampleExamples(inputs, { count: 1, seed: 7, length: 64, range }))].map((tensor, i) =>
      inputs[i].shape[0] > 0 ? tensor : tf.slice(tensor, 0, 1),
    );
  }
  if (inputs.length !== 1) {
    throw new EspalierError('bad-data', `The model has ${inputs.length} inputs, and one file is given.`, {
      remedy: 'Try it on made-up inputs.',
    });
  }
  const [input] = inputs;
  if (given.kind === 'picture') {
    if (!pictureInput(inputs)) {
      throw new EspalierError(
        'bad-data',
        `The model does not take pictures: its input is [${input.shape}].`,
        {
          remedy: 'Give a .npy file of that shape.',
        },
      );
    }
    return [pictureTensor(given, input, range)];
  }
  if (given.kind === 'sound') return [soundTensor(given.samples, input)];
  const { shape, values } = parseNpy(given.bytes, given.name);
  const whole = shape.length === input.shape.length ? shape : [1, ...shape];
  return [tf.tensor(values, [...whole], input.dtype === 'int32' ? 'int32' : 'float32')];
}

async function shown(tensors: readonly tf.Tensor[], names: readonly string[]): Promise<Shown[]> {
  return Promise.all(
    tensors.map(async (tensor, i) => ({
      name: names[i] ?? `output ${i}`,
      shape: tensor.shape,
      values: Float32Array.from(await tensor.data()),
    })),
  );
}

function differenceOf(original: readonly Shown[], small: readonly Shown[]): number {
  let most = 0;
  for (const [o, { values }] of original.entries()) {
    let [low, high, off] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    for (let i = 0; i < values.length; i++) {
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
      off = Math.max(off, Math.abs(values[i] - small[o].values[i]));
    }
    if (off > 0) most = Math.max(most, off / (high - low || Math.abs(high) || 1));
  }
  return most;
}

/** Inputs of a model, for who wants to give it some. */
export async function inputsOf(artifacts: ModelArtifacts): Promise<readonly InputSpec[]> {
  const model = await load(artifacts);
  const { inputs } = model;
  model.dispose();
  return inputs;
}

/** Runs the original and the file on the same input. @throws EspalierError `bad-data`, `cannot-run`, `shape-mismatch` */
export async function tryOn(
  artifacts: ModelArtifacts,
  file: Uint8Array,
  given: Given,
  range: readonly [number, number],
): Promise<TriedOn> {
  const models = [await load(artifacts), await load(decode(file))];
  const made: tf.Tensor[] = [];
  try {
    const inputs = await inputsFor(given, models[0], range);
    made.push(...inputs);
    const outputs: Shown[][] = [];
    for (const model of models) {
      const out = await model.run(inputs);
      made.push(...out);
      outputs.push(await shown(out, []));
    }
    const [original, small] = outputs;
    const picture = pictureInput(models[0].inputs) !== undefined;
    const madeUp = picture ? 'a photograph in the public domain' : 'an input that is made up';
    return {
      on: given.kind === 'made up' ? madeUp : 'what you gave',
      inputs: await shown(
        inputs,
        models[0].inputs.map(({ name }) => name),
      ),
      original,
      small,
      difference: differenceOf(original, small),
    };
  } finally {
    tf.dispose(made);
    for (const model of models) model.dispose();
  }
}
