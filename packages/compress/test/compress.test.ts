import '@tensorflow/tfjs-backend-cpu';
import { decode, encode } from '@espalier/codec';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, test, vi } from 'vitest';
import { compress, isGraph, type Tried } from '../src/index.js';
import { artifactsOf, noise, pictureNet } from './models.js';

/** Of the outputs of two models. */
function psnr(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => {
    const peak = tf.sub(tf.max(a), tf.min(a)).dataSync()[0];
    return -10 * Math.log10(tf.mean(tf.square(tf.sub(a, b))).dataSync()[0] / peak ** 2);
  });
}

// The pure-JavaScript backend on a busy machine takes its time.
vi.setConfig({ testTimeout: 300_000 });

describe('compress', () => {
  test('reaches a quality that holds for the file, loaded by TF.js alone, on inputs it has not seen', async () => {
    const original = pictureNet();
    const artifacts = await artifactsOf(original);
    const calibration = noise([16, 12, 12, 3], 21);
    const tensors = tf.memory().numTensors;
    const told: Tried[] = [];
    const {
      file,
      fidelity,
      met,
      trials,
      tensors: rows,
    } = await compress(artifacts, {
      quality: 40,
      calibration: [calibration],
      batchSize: 4,
      onTrial: (trial) => told.push(trial),
    });
    expect(told.map(({ quality }) => quality)).toEqual(trials.map(({ figure }) => figure));
    for (const { bytes } of told) {
      expect(bytes).toBeGreaterThan(file.length / 4);
      expect(bytes).toBeLessThan(2 * file.length);
    }
    expect(tf.memory().numTensors).toBe(tensors);
    expect(met).toBe(true);
    expect(fidelity.psnr).toBeGreaterThanOrEqual(40);
    expect(fidelity.psnr).toBeLessThan(46);
    expect(file.length).toBeLessThan(encode(artifacts).length / 3);
    expect(rows.find(({ name }) => name === 'c1/kernel')?.method).toBe('compensated');
    const small = await loadLayersModel({ load: async () => decode(file) as tf.io.ModelArtifacts });
    const unseen = noise([16, 12, 12, 3], 77);
    expect(psnr(original.predict(unseen) as tf.Tensor, small.predict(unseen) as tf.Tensor)).toBeGreaterThan(
      36,
    );
    tf.dispose([calibration, unseen]);
  });

  test('keeps to a size, and to bits per weight, with inputs of its own making', async () => {
    const artifacts = await artifactsOf(pictureNet());
    const calibration = [noise([8, 12, 12, 3], 2)];
    const told: Tried[] = [];
    const bySize = await compress(artifacts, { size: 1600, batchSize: 4, onTrial: (t) => told.push(t) });
    expect(told.map(({ bytes }) => bytes)).toEqual(bySize.trials.map(({ figure }) => figure));
    const off = told.map(({ quality }) => Math.abs(quality - bySize.fidelity.psnr));
    expect(Math.min(...off)).toBeLessThan(1);
    expect(bySize.met).toBe(true);
    expect(bySize.file.length).toBeLessThanOrEqual(1600);
    expect(bySize.file.length).toBeGreaterThan(1450);
    const elements = (artifacts.weightData as ArrayBuffer).byteLength / 4;
    const byBits = await compress(artifacts, { bits: 6, calibration, batchSize: 4 });
    expect(byBits.file.length).toBeLessThanOrEqual((6 * elements) / 8);
    expect(byBits.fidelity.psnr).toBeGreaterThan(bySize.fidelity.psnr - 1);
  });

  test('says so when an aim cannot be met', async () => {
    const { met, file } = await compress(await artifactsOf(pictureNet()), {
      size: 50,
      calibration: [noise([4, 12, 12, 3], 2)],
    });
    expect(met).toBe(false);
    expect(file.length).toBeGreaterThan(50);
  });

  test('takes graph models: shared constants stay shared, integers as they are', async () => {
    const kernel = Array.from(noise([16, 16], 3).dataSync());
    const node = (name: string, op: string, input: string[], attr: object = {}): object => ({
      name,
      op,
      input,
      attr,
    });
    const constant = (name: string, dtype: string, size: string[]): object =>
      node(name, 'Const', [], {
        dtype: { type: dtype },
        value: { tensor: { dtype, tensorShape: { dim: size.map((n) => ({ size: n })) } } },
      });
    const product = (name: string, a: string, b: string): object =>
      node(name, 'MatMul', [a, b], {
        T: { type: 'DT_FLOAT' },
        transpose_a: { b: false },
        transpose_b: { b: false },
      });
    const artifacts = {
      modelTopology: {
        node: [
          node('x', 'Placeholder', [], {
            dtype: { type: 'DT_FLOAT' },
            shape: { shape: { dim: [{ size: '-1' }, { size: '16' }] } },
          }),
          constant('w1', 'DT_FLOAT', ['16', '16']),
          constant('w2', 'DT_FLOAT', ['16', '16']),
          constant('shape', 'DT_INT32', ['2']),
          product('a', 'x', 'w1'),
          node('r', 'Relu', ['a'], { T: { type: 'DT_FLOAT' } }),
          product('b', 'r', 'w2'),
          node('y', 'Reshape', ['b', 'shape'], { T: { type: 'DT_FLOAT' }, Tshape: { type: 'DT_INT32' } }),
        ],
        versions: { producer: 1 },
      },
      weightSpecs: [
        { name: 'w1', shape: [16, 16], dtype: 'float32' as const },
        { name: 'w2', shape: [16, 16], dtype: 'float32' as const },
        { name: 'shape', shape: [2], dtype: 'int32' as const },
      ],
      weightData: new Uint8Array([
        ...new Uint8Array(Float32Array.from([...kernel, ...kernel]).buffer),
        ...new Uint8Array(Int32Array.of(-1, 16).buffer),
      ]).buffer,
    };
    expect(isGraph(artifacts)).toBe(true);
    const calibration = noise([64, 16], 9);
    const { file, fidelity } = await compress(artifacts, { quality: 35, calibration: [calibration] });
    expect(fidelity.psnr).toBeGreaterThanOrEqual(35);
    const back = decode(file);
    const floats = new Float32Array(back.weightData, 0, 512);
    expect([...floats.subarray(0, 256)]).toEqual([...floats.subarray(256)]);
    expect([...new Int32Array(back.weightData, 2048)]).toEqual([-1, 16]);
    const model = await loadGraphModel({ load: async () => back as tf.io.ModelArtifacts });
    expect((model.predict(calibration) as tf.Tensor).shape).toEqual([64, 16]);
    calibration.dispose();
  });

  test.each([
    [{ quality: 40, size: 1000 }, 'quality and size are both given'],
    [{ qualty: 40 }, "Did you mean 'quality'?"],
    [{ bits: 0 }, 'bits is 0'],
    [{ calibration: [] }, 'The model has 1 inputs; 0 are given'],
  ])('refuses %o', async (options, message) => {
    const artifacts = await artifactsOf(pictureNet());
    await expect(compress(artifacts, options as object)).rejects.toThrow(message);
  });

  test('refuses weights that are not finite, and a model that does not load', async () => {
    const artifacts = await artifactsOf(pictureNet());
    const broken = (artifacts.weightData as ArrayBuffer).slice(0);
    new Float32Array(broken)[5] = Number.NaN;
    await expect(compress({ ...artifacts, weightData: broken })).rejects.toThrow(
      'c1/kernel has values that are not finite',
    );
    const other = { ...artifacts, modelTopology: { class_name: 'Nothing', config: {} } };
    await expect(compress(other)).rejects.toThrow('TensorFlow.js cannot load the model');
  });
});
