import '@tensorflow/tfjs-backend-cpu';
// Orthogonal initializers of TF.js 4.22 chain their calls.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs-core';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readArtifacts, tensorsOfArtifacts } from '../src/index.js';
import { readHdf5, tensorOf, textsOf } from '../src/keras/hdf5.js';
import { fixture, folder, readLayersModel } from './fixtures.js';

interface Tensor {
  readonly shape: number[];
  readonly values: number[];
}

/** What Keras itself gave for the inputs beside a file. */
const expected = (name: string): { inputs: Tensor[]; outputs: Tensor[] } =>
  JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8')) as { inputs: Tensor[]; outputs: Tensor[] };

/** The outputs of a file are Keras', to float32. */
async function computesWhatKerasDid(path: string, name: string): Promise<void> {
  const { inputs, outputs } = expected(name);
  const model = await readLayersModel(path);
  const given = inputs.map(({ shape, values }, i) =>
    tf.tensor(values, shape, model.inputs[i].dtype as 'int32' | 'float32'),
  );
  const found = [model.predict(given.length === 1 ? given[0] : given)].flat();
  expect(found.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
  for (const [i, { values }] of outputs.entries()) {
    const scale = Math.max(...values.map(Math.abs));
    const own = found[i].dataSync();
    const worst = Math.max(...values.map((value, j) => Math.abs(value - own[j])));
    expect(worst / scale).toBeLessThan(2e-6);
  }
}

/** A file of Keras 3, of the kind that `model.save` of an `.h5` writes. */
function h5(name: string): string {
  const file = join(folder(), `${name}.h5`);
  writeFileSync(file, gunzipSync(readFileSync(fixture(`${name}.h5.gz`))));
  return file;
}

describe.each(['image', 'graph', 'sequence'])('the %s model of Keras 3', (name) => {
  it('computes what it did, out of .keras', () => computesWhatKerasDid(fixture(`${name}.keras`), name));
  it('computes what it did, out of .h5', () => computesWhatKerasDid(h5(name), name));
});

// The converter refuses graph: two of its layers have weights of one name.
describe.each(['image', 'sequence'])('the %s model of Keras 3', (name) => {
  it('computes what it did, out of the model.json that the converter makes of it', async () => {
    const bytes = readFileSync(h5(name));
    // The converter copies the configuration, and names the weights as the file does.
    const start = bytes.indexOf('{"class_name"');
    let depth = 0;
    let end = start;
    do {
      if (bytes[end] === 0x7b) depth++;
      if (bytes[end] === 0x7d) depth--;
      end++;
    } while (depth > 0);
    const modelTopology = {
      keras_version: '3.15.1',
      backend: 'tensorflow',
      model_config: JSON.parse(bytes.toString('utf8', start, end)) as object,
    };
    const { specs, data } = await converted(bytes);
    const dir = folder();
    writeFileSync(join(dir, 'w.bin'), data);
    const weightsManifest = [{ paths: ['w.bin'], weights: specs }];
    writeFileSync(
      join(dir, 'model.json'),
      JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }),
    );
    await computesWhatKerasDid(dir, name);
  });
});

/** Weights as the converter lists them: layer by layer, by Keras' names. */
async function converted(bytes: Uint8Array): Promise<{ specs: object[]; data: Uint8Array }> {
  const file = await readHdf5(bytes, 'x');
  const layers = textsOf(file.groups.get('model_weights') as never, 'layer_names') ?? [];
  const seen = new Map<string, ReturnType<typeof tensorOf>>();
  for (const layer of layers) {
    const base = `model_weights/${layer}`;
    for (const name of textsOf(file.groups.get(base) as never, 'weight_names') ?? []) {
      seen.set(name, tensorOf(file.datasets.get(`${base}/${name}`) as never, name, 'x'));
    }
  }
  const tensors = [...seen.values()];
  return {
    specs: tensors.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
    data: Buffer.concat(tensors.map((one) => one.bytes)),
  };
}

it.each([
  ['a history without a layer', '"keras_history":["a",0,0]', '"keras_history":null'],
  ['a history of numbers', '"keras_history":["a",0,0]', '"keras_history":[1,2,3]'],
  ['a wrapper around nothing', '"class_name":"Dense"', '"class_name":"Bidirectional"'],
  ['cells that are none', '"class_name":"Dense"', '"class_name":"RNN"'],
  ['a class of JavaScript', '"class_name":"Dense"', '"class_name":"constructor"'],
  ['layers that are none', '"layers":[', '"layers":3,"other":['],
])('%s in a configuration costs the model, not the weights', async (_, from, to) => {
  const parts = unzipSync(readFileSync(fixture('graph.keras')));
  const config = strFromU8(parts['config.json']).replaceAll(/([:,]) /g, '$1');
  const damaged = strToU8(config.replace(from, to));
  expect(damaged).not.toEqual(strToU8(config));
  const file = join(folder(), 'x.keras');
  writeFileSync(file, zipSync({ ...parts, 'config.json': damaged }));
  const lines: string[] = [];
  const { artifacts } = await readArtifacts(file, { log: (line) => lines.push(line) });
  expect(artifacts.modelTopology).toBeUndefined();
  expect(artifacts.weightSpecs?.length).toBeGreaterThan(10);
  expect(lines.join()).toContain('only the weights are read');
});

describe('HDF5', () => {
  it('is read in every type and byte order of numbers', async () => {
    const { artifacts } = await readArtifacts(fixture('types.h5'));
    const tensors = tensorsOfArtifacts(artifacts);
    expect(tensors.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'big-f2 float16',
      'big-f4 float32',
      'big-f8 float32',
      'big-i2 int32',
      'big-i8 int32',
      'big-u2 uint16',
      'byte-u1 uint8',
      'little-f2 float16',
      'little-i8 int32',
    ]);
    const values = new Map(tensors.map((one) => [one.name, one.bytes]));
    const floats = [0.5, -2, 3, Math.fround(1e-3), 65504, 0];
    for (const name of ['big-f4', 'big-f8']) {
      expect([...new Float32Array(new Uint8Array(values.get(name) as Uint8Array).buffer)]).toEqual(floats);
    }
    expect(values.get('big-f2')).toEqual(values.get('little-f2'));
    expect([...new Uint16Array(new Uint8Array(values.get('big-f2') as Uint8Array).buffer)]).toEqual([
      0x3800, 0xc000, 0x4200, 0x1419, 0x7bff, 0,
    ]);
    for (const name of ['big-i2', 'big-i8', 'little-i8']) {
      expect([...new Int32Array(new Uint8Array(values.get(name) as Uint8Array).buffer)]).toEqual([
        1, 2, 3, 4, 5, 6,
      ]);
    }
  });

  it.each([
    ['external-storage', 'leak has external storage: its numbers lie in another file'],
    ['external-link', 'leak is an external link, into /etc/hostname'],
    ['virtual', 'leak is a virtual dataset, whose numbers lie in other files'],
    ['huge', 'leak claims 34359738368 bytes, more than the file can hold'],
    ['loop', 'its groups lie in each other more than 64 deep'],
    ['lzf', 'lzf.h5 is not read: w went through the filter lzf'],
  ])('with %s is refused by name', async (name, message) => {
    const error = await readArtifacts(fixture(`${name}.h5`)).catch((e: Error) => e);
    expect(error).toMatchObject({ code: 'bad-model', message: expect.stringContaining(message) });
    // The next file is read as if nothing had been.
    expect((await readArtifacts(fixture('types.h5'))).artifacts.weightSpecs).toHaveLength(9);
  });
});

describe('a .keras file', () => {
  it('that is none, or is damaged, is refused by what it is', async () => {
    const dir = folder();
    const whole = readFileSync(fixture('graph.keras'));
    const write = (bytes: Uint8Array, name = 'x.keras'): string => {
      writeFileSync(join(dir, name), bytes);
      return join(dir, name);
    };
    await expect(readArtifacts(write(whole.subarray(0, 3000)))).rejects.toThrow('damaged zip archive');
    await expect(readArtifacts(write(Buffer.from('no')))).rejects.toThrow('is no .keras file');
    const name = Buffer.from(whole);
    for (let at = name.indexOf('config.json'); at >= 0; at = name.indexOf('config.json', at + 1)) {
      name.write('konfig', at);
    }
    await expect(readArtifacts(write(name))).rejects.toThrow('without config.json, no .keras file');
    const table = whole.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    const changed = Buffer.from(whole);
    changed[table + 16] ^= 1;
    await expect(readArtifacts(write(changed))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('has another CRC-32 than the archive says'),
    });
    // A zip archive that claims to hold far more than fits.
    const bomb = Buffer.from(whole);
    bomb.writeUInt32LE(0x7fffffff, table + 24);
    await expect(readArtifacts(write(bomb))).rejects.toThrow('claims to hold 2147483647 bytes');
  });

  it('in a folder stands for it', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'assets'));
    writeFileSync(join(dir, 'best.keras'), readFileSync(fixture('graph.keras')));
    expect((await readArtifacts(dir)).file).toBe(join(dir, 'best.keras'));
    writeFileSync(join(dir, 'last.keras'), '');
    await expect(readArtifacts(dir)).rejects.toThrow('holds 2 models: best.keras, last.keras');
  });
});
