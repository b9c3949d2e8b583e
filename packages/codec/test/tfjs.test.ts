import '@tensorflow/tfjs-backend-cpu';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { decode, encode, espalier, inspect, type ModelArtifacts } from '../src/index.js';

async function artifactsOf(model: layers.LayersModel): Promise<tf.io.ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  return saved!;
}

function lenet(): layers.Sequential {
  return layers.sequential({
    layers: [
      layers.layers.dense({ units: 300, activation: 'relu', inputShape: [784] }),
      layers.layers.dense({ units: 100, activation: 'relu' }),
      layers.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
}

describe('with TensorFlow.js', () => {
  it('the types fit both ways', () => {
    const handler: tf.io.IOHandler = espalier(new Uint8Array());
    const give = (artifacts: tf.io.ModelArtifacts): ModelArtifacts => artifacts;
    const take = (artifacts: ModelArtifacts): tf.io.ModelArtifacts => artifacts;
    expect([handler.load, give, take].every((f) => typeof f === 'function')).toBe(true);
  });

  it('loads a layers model with the same outputs', async () => {
    const model = lenet();
    const loaded = await layers.loadLayersModel(espalier(encode(await artifactsOf(model))));
    const x = tf.randomUniform([4, 784], 0, 1, 'float32', 1);
    const difference = tf.max(tf.abs(tf.sub(model.predict(x) as tf.Tensor, loaded.predict(x) as tf.Tensor)));
    expect((await difference.data())[0]).toBe(0);
  });

  it('LeNet-300-100 costs little beside its weights and biases', async () => {
    const artifacts = await artifactsOf(lenet());
    const weights = new Float32Array(artifacts.weightData as ArrayBuffer);
    // A codebook of 16 values in each kernel; biases stay dense.
    let at = 0;
    let state = 1;
    for (const { shape } of artifacts.weightSpecs!) {
      const n = shape.reduce((a, b) => a * b, 1);
      for (let i = 0; i < n; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        const r = state >>> 8;
        if (shape.length > 1)
          weights[at + i] = r % 12 === 0 ? (((r >> 6) % 17) - 8 || 1) * 0.0317 + 0.001 : 0;
        else weights[at + i] = Math.fround(Math.sin(i + 1) * 0.01);
      }
      at += n;
    }
    const report = inspect(encode(artifacts as ModelArtifacts));
    // The codebooks (64 bytes a kernel) are part of the weights.
    const codebooks = report.tensors.reduce(
      (n, t) => n + (t.shape.length > 1 ? (t.distinct! - 1) * 4 : 0),
      0,
    );
    expect(report.headerBytes - codebooks).toBeLessThanOrEqual(150);
  });

  it('loads a graph model from a URL', async () => {
    const artifacts: ModelArtifacts = {
      format: 'graph-model',
      modelTopology: {
        node: [
          {
            name: 'x',
            op: 'Placeholder',
            attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '2' }] } } },
          },
          {
            name: 'w',
            op: 'Const',
            attr: {
              dtype: { type: 'DT_FLOAT' },
              value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '2' }] } } },
            },
          },
          { name: 'y', op: 'Mul', input: ['x', 'w'], attr: { T: { type: 'DT_FLOAT' } } },
        ],
        versions: { producer: 987 },
      },
      weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' }],
      weightData: Float32Array.of(3, -4).buffer,
    };
    const file = encode(artifacts);
    const server = createServer((request, response) => {
      if (request.url !== '/m.esp') response.statusCode = 404;
      response.end(request.url === '/m.esp' ? file : 'no');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const model = await loadGraphModel(espalier(`${base}/m.esp`));
      const y = model.predict(tf.tensor1d([10, 10])) as tf.Tensor;
      expect(Array.from(await y.data())).toEqual([30, -40]);
      await expect(espalier(new URL(`${base}/other.esp`)).load()).rejects.toMatchObject({ code: 'fetch' });
    } finally {
      await new Promise((done) => server.close(done));
    }
    await expect(espalier(`${base}/m.esp`).load()).rejects.toMatchObject({ code: 'fetch' });
  });
});

describe('the traps of loading in TensorFlow.js', () => {
  const weights = Float32Array.from({ length: 475 }, (_, i) => i / 7);
  const spec = { name: 'w', shape: [475], dtype: 'float32' as const };

  it('1: weights in uneven shards are joined, and handed over as one ArrayBuffer', () => {
    for (const cut of [36, 200, 512]) {
      const shards = [weights.buffer.slice(0, cut), weights.buffer.slice(cut)];
      const back = decode(encode({ weightSpecs: [spec], weightData: shards }));
      expect(back.weightData).toBeInstanceOf(ArrayBuffer);
      expect(Array.from(new Float32Array(back.weightData))).toEqual(Array.from(weights));
    }
  });

  it('2: a spec without quantization has no such key', () => {
    const artifacts = {
      weightSpecs: [{ ...spec, quantization: undefined }],
      weightData: weights.buffer,
    } as unknown as ModelArtifacts;
    expect('quantization' in decode(encode(artifacts)).weightSpecs[0]).toBe(false);
    const q = {
      name: 'q',
      shape: [2],
      dtype: 'float32' as const,
      quantization: { dtype: 'float16' as const },
    };
    expect(
      decode(encode({ weightSpecs: [q], weightData: new ArrayBuffer(4) })).weightSpecs[0].quantization,
    ).toEqual({ dtype: 'float16' });
  });

  it('3: there is no weight stream, which loadLayersModel would ignore', () => {
    expect('getWeightStream' in decode(encode({ weightSpecs: [spec], weightData: weights.buffer }))).toBe(
      false,
    );
    const stream = { weightSpecs: [spec], getWeightStream: () => new ReadableStream<ArrayBuffer>() };
    expect(() => encode(stream)).toThrow(expect.objectContaining({ code: 'input' }));
  });

  it('4: weights that are too long or too short are refused', () => {
    for (const length of [1899, 1901, 1904]) {
      expect(() => encode({ weightSpecs: [spec], weightData: new ArrayBuffer(length) })).toThrow(
        expect.objectContaining({ code: 'input' }),
      );
    }
  });

  it('5: what a model needs to start (initializers) survives', () => {
    const back = decode(
      encode({ modelInitializer: { node: [{ name: 'i' }] }, initializerSignature: { outputs: { o: 1 } } }),
    );
    expect(back.modelInitializer).toEqual({ node: [{ name: 'i' }] });
    expect(back.initializerSignature).toEqual({ outputs: { o: 1 } });
  });

  it('6: a graph model is compressed from its artifacts, not from the live model', () => {
    const artifacts: ModelArtifacts = { weightSpecs: [spec], weightData: weights.buffer.slice(0) };
    new Float32Array(artifacts.weightData as ArrayBuffer)[0] = 99;
    expect(new Float32Array(decode(encode(artifacts)).weightData)[0]).toBe(99);
  });

  it('7: bytes that lie inside a shared pool are found by their offset', () => {
    const file = encode({ weightSpecs: [spec], weightData: weights.buffer });
    const pool = Buffer.concat([Buffer.alloc(13, 7), file, Buffer.alloc(5, 7)]);
    const view = pool.subarray(13, 13 + file.length);
    expect(decode(view).weightData.byteLength).toBe(1900);
    expect(decode(new DataView(pool.buffer, pool.byteOffset + 13, file.length)).weightData.byteLength).toBe(
      1900,
    );
  });
});
