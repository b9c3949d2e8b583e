import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWeights } from '@espalier/compress';
import { describe, expect, it } from 'vitest';
import { artifactsOfTensors } from '../src/arrays/plain-tensor.js';
import { readArtifacts, safetensorsBytes, tensorsOfArtifacts } from '../src/index.js';
import { folder, kept } from './fixtures.js';

const topology = { class_name: 'Sequential', config: [] };

function write(files: Readonly<Record<string, string | NodeJS.ArrayBufferView | object>>): string {
  const dir = folder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    const plain = typeof content === 'string' || ArrayBuffer.isView(content);
    writeFileSync(join(dir, name), plain ? (content as string) : JSON.stringify(content));
  }
  return dir;
}

/** The values of all weights by their names. */
async function valuesIn(path: string): Promise<Record<string, number[]>> {
  const { artifacts } = await readArtifacts(path);
  return Object.fromEntries(readWeights(artifacts).map(({ name, values }) => [name, [...(values ?? [])]]));
}

const weight = (name: string, shape: number[], more: object = {}): object => ({
  name,
  shape,
  dtype: 'float32',
  ...more,
});

describe('what holds nothing is refused', () => {
  const header = (text: string): Uint8Array =>
    Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(text.length)).buffer), Buffer.from(text)]);
  const cases: [string, Record<string, string | Uint8Array | object>][] = [
    ['an empty manifest', { 'model.json': [] }],
    ['a manifest of empty groups', { 'model.json': [{ paths: [], weights: [] }] }],
    ['a topology that is null', { 'model.json': { modelTopology: null } }],
    ['and an empty manifest beside it', { 'model.json': { modelTopology: null, weightsManifest: [] } }],
    ['an empty manifest by name', { 'model.json': { weightsManifest: [] } }],
    ['an index of nothing', { 'model.safetensors.index.json': { weight_map: {} } }],
    ['no tensors', { 'x.safetensors': header('{}') }],
    ['metadata alone', { 'x.safetensors': header('{"__metadata__":{"format":"pt"}}') }],
  ];
  it.each(cases)('%s', async (_, files) => {
    await expect(readArtifacts(write(files))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(/is empty: it holds neither a model nor weights\.\n/),
    });
  });

  it('a topology of nothing', async () => {
    const dir = write({ 'model.json': { modelTopology: {}, weightsManifest: [] } });
    await expect(readArtifacts(dir)).rejects.toThrow('its topology is empty, and it has no weights');
  });

  it('a topology that is none', async () => {
    for (const [topology, says] of [
      [[], '[]'],
      ['{}', '"{}"'],
    ]) {
      const dir = write({ 'model.json': { modelTopology: topology } });
      await expect(readArtifacts(dir)).rejects.toThrow(`modelTopology is ${says}, no model`);
    }
  });

  it('but a tensor of no elements is one', async () => {
    const dir = write({ 'x.safetensors': header('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}') });
    expect(await valuesIn(dir)).toEqual({ a: [] });
  });
});

describe('JSON', () => {
  it('with a number beyond all numbers is refused by that number and its line', async () => {
    const text = (units: string): string =>
      `{"modelTopology":{"class_name":"Sequential","config":\n[{"class_name":"Dense","config":{"name":"1e999","units":${units}}}]}}`;
    for (const number of ['1e9999', '-1E+400', `1${'0'.repeat(400)}`]) {
      await expect(readArtifacts(write({ 'model.json': text(number) }))).rejects.toMatchObject({
        code: 'bad-model',
        message: expect.stringContaining(`holds ${number.slice(0, 29)}`),
      });
      await expect(readArtifacts(write({ 'model.json': text(number) }))).rejects.toThrow(/in line 2, which/);
    }
    expect(
      (await readArtifacts(write({ 'model.json': text('1e300') }))).artifacts.modelTopology,
    ).toBeDefined();
  });

  it('in UTF-16, as some editors save it, is read', async () => {
    const json = JSON.stringify({ weightsManifest: [{ paths: ['w'], weights: [weight('w', [1])] }] });
    const dir = write({ 'model.json': Buffer.from(`\ufeff${json}`, 'utf16le'), w: Float32Array.of(3) });
    expect(await valuesIn(dir)).toEqual({ w: [3] });
  });

  it('with an index that names no files says what an index is', async () => {
    for (const map of [null, ['a'], 3]) {
      const dir = write({ 'model.safetensors.index.json': { weight_map: map } });
      await expect(readArtifacts(dir)).rejects.toThrow(
        /\n.*Its weight_map names no files: tensors by their names/,
      );
    }
  });
});

describe('a weights manifest', () => {
  const groups = [
    {
      paths: ['a/one', 'a/two'],
      weights: [
        weight('w', [2, 2], {
          quantization: { dtype: 'uint8', scale: 0.5, min: -1, original_dtype: 'float32' },
        }),
        weight('b', [2]),
      ],
    },
    {
      paths: ['three'],
      weights: [
        weight('h', [2], { quantization: { dtype: 'float16' } }),
        weight('u', [1], { quantization: { dtype: 'uint16', scale: 2, min: 1 } }),
        weight('none', [0]),
        weight('null', [], { quantization: null }),
      ],
    },
  ];
  // A float begins in one shard and ends in the next; one group has bytes behind its last weight.
  const first = Buffer.concat([Uint8Array.of(0, 1, 2, 255), Buffer.from(Float32Array.of(3, -4).buffer)]);
  const third = Buffer.concat([
    Buffer.from(Uint16Array.of(0x3c00, 0xc000, 7).buffer),
    Buffer.from(Float32Array.of(9).buffer),
    Buffer.alloc(3),
  ]);
  const files = { 'a/one': first.subarray(0, 6), 'a/two': first.subarray(6), three: third };
  const values = {
    w: [-1, -0.5, 0, 126.5],
    b: [3, -4],
    h: [1, -2],
    u: [15],
    none: [],
    null: [9],
  };

  it.each([
    ['alone, in a file', { 'tiny-weights_manifest.json': groups, ...files }, 'tiny-weights_manifest.json'],
    ['alone, in a folder', { 'tiny-weights_manifest.json': groups, ...files }, ''],
    ['without a topology', { 'model.json': { weightsManifest: groups }, ...files }, ''],
    ['with a topology', { 'model.json': { modelTopology: topology, weightsManifest: groups }, ...files }, ''],
    ['with none', { 'model.json': { modelTopology: null, weightsManifest: groups }, ...files }, ''],
    [
      'behind a byte-order mark',
      {
        'model.json': `\ufeff${JSON.stringify({ modelTopology: topology, weightsManifest: groups })}\r\n`,
        ...files,
      },
      '',
    ],
  ])('is read %s', async (_, content, name) => {
    expect(await valuesIn(join(write(content), name))).toEqual(values);
  });

  const one = (manifest: unknown): Record<string, object> => ({
    'model.json': { modelTopology: topology, weightsManifest: manifest },
    w: Float32Array.of(1, 2),
  });
  const spec = (fields: object): object =>
    one([{ paths: ['w'], weights: [{ ...weight('x', [2]), ...fields }] }]);
  it.each([
    ['no list', one({}), 'weightsManifest is {}, not a list of groups'],
    ['a text for a group', one(['w']), 'weightsManifest[0] is "w", not a group'],
    ['no paths', one([{ weights: [] }]), 'weightsManifest[0].paths is missing, not a list of paths'],
    ['paths that are none', one([{ paths: 'w' }]), 'paths is "w", not a list of paths'],
    ['weights that are none', one([{ paths: ['w'], weights: 3 }]), 'weights is 3, not a list of weights'],
    ['a weight that is none', one([{ paths: ['w'], weights: [3] }]), 'weights[0] is 3, not a weight'],
    ['no name', spec({ name: 3 }), 'name is 3, not a name'],
    ['no shape', spec({ shape: null }), 'the shape of x is null'],
    ['a negative shape', spec({ shape: [-2] }), 'the shape of x is [-2], not a list of sizes'],
    ['half an axis', spec({ shape: [0.5] }), 'the shape of x is [0.5]'],
    ['a shape beyond memory', spec({ shape: [9e9, 9e9] }), 'not one that fits into memory'],
    ['an unknown dtype', spec({ dtype: 'float8' }), 'the dtype of x is "float8"'],
    ['a dtype of JavaScript', spec({ dtype: 'constructor' }), 'the dtype of x is "constructor"'],
    ['an unknown quantization', spec({ quantization: { dtype: 'int4' } }), 'the quantization of x'],
    [
      'a quantization without a step',
      spec({ quantization: { dtype: 'uint8' } }),
      'one with a scale and a min',
    ],
    ['too few bytes', spec({ shape: [3] }), 'w has 8 bytes and ends inside of x'],
    ['texts that do not end', spec({ dtype: 'string', shape: [2 ** 40] }), 'ends inside of x'],
    [
      'a name twice',
      one([{ paths: ['w'], weights: [weight('x', [1]), weight('x', [1])] }]),
      'two weights named x',
    ],
    ['a topology that is none', { 'model.json': { modelTopology: 3 } }, 'modelTopology is 3, no model'],
  ])('with %s is refused', async (_, content, message) => {
    const error = await readArtifacts(write(content as never)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'bad-model', message: expect.stringContaining(message) });
  });

  it('nested deeper than any model is refused, in time', async () => {
    const deep = `{"modelTopology":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    await expect(readArtifacts(write({ 'model.json': deep }))).rejects.toThrow('nested more than 500 deep');
    await expect(readArtifacts(write({ 'model.json': deep.slice(0, -5) }))).rejects.toThrow('is not JSON');
    await expect(readArtifacts(write({ 'model.json': '' }))).rejects.toThrow(/is not JSON.*\n.*It is empty/);
  });
});

describe('shards of safetensors', () => {
  const [a, b, c] = [kept[0], kept[1], kept[2]];
  const shard = (...tensors: typeof kept): Uint8Array => safetensorsBytes(artifactsOfTensors(tensors));
  const index = (weight_map: object): object => ({ metadata: { total_size: 1 }, weight_map });
  const files = { 'one.safetensors': shard(a, b), 'two.safetensors': shard(c) };
  const map = { [a.name]: 'one.safetensors', [b.name]: 'one.safetensors', [c.name]: 'two.safetensors' };

  it.each(['', 'model.safetensors.index.json'])('are read by their index: %j', async (name) => {
    const dir = write({ 'model.safetensors.index.json': index(map), ...files, 'config.json': {} });
    const { artifacts } = await readArtifacts(join(dir, name));
    expect(tensorsOfArtifacts(artifacts)).toEqual([a, b, c]);
  });

  it('alone in their folder stand for it; of several there has to be an index', async () => {
    const { artifacts } = await readArtifacts(write({ 'model.safetensors': shard(a, b), 'config.json': {} }));
    expect(tensorsOfArtifacts(artifacts)).toEqual([a, b]);
    await expect(readArtifacts(write(files))).rejects.toThrow('holds 2 models');
  });

  it('named as such are one model without an index, if all are there and no tensor is in two', async () => {
    const named = (n: number, of = 2): string => `model-0000${n}-of-0000${of}.safetensors`;
    const dir = write({ [named(1)]: shard(a, b), [named(2)]: shard(c), 'config.json': {} });
    expect(tensorsOfArtifacts((await readArtifacts(dir)).artifacts)).toEqual([a, b, c]);
    await expect(readArtifacts(write({ [named(1, 3)]: shard(a), [named(3, 3)]: shard(c) }))).rejects.toThrow(
      'shard 2 of 3 is missing',
    );
    await expect(readArtifacts(write({ [named(2)]: shard(c) }))).rejects.toThrow('shard 1 of 2 is missing');
    await expect(readArtifacts(write({ [named(1)]: shard(a, c), [named(2)]: shard(c) }))).rejects.toThrow(
      `${c.name} is in ${named(1)} and in ${named(2)}`,
    );
    await expect(readArtifacts(write({ [named(1)]: shard(a), [named(2, 3)]: shard(c) }))).rejects.toThrow(
      'holds 2 models',
    );
  });

  it.each([
    [{ ...map, other: 'two.safetensors' }, 'two.safetensors does not hold other'],
    [{ ...map, [a.name]: 'two.safetensors' }, `two.safetensors does not hold ${a.name}`],
    [{ ...map, [a.name]: 3 }, `the file of ${a.name} is 3, no path`],
    [{ ...map, [a.name]: 'none.safetensors' }, 'there is no file'],
    [{ [a.name]: 'pytorch_model-00001-of-00002.bin' }, "the index of PyTorch's pickled files"],
    [{ [a.name]: 'model.safetensors.index.json' }, 'does not fit'],
  ])('whose index is wrong are refused: %j', async (wrong, message) => {
    const dir = write({ 'model.safetensors.index.json': index(wrong), ...files });
    await expect(readArtifacts(dir)).rejects.toThrow(message);
  });
});

describe('what is not read', () => {
  it.each([
    ['tensorflowjs_model.pb', 'x', "TensorFlow.js's format of 2018", 'weights_manifest.json'],
    ['saved_model.pb', 'x', 'a SavedModel', '--input_format=tf_saved_model'],
    ['frozen.pb', 'x', 'a graph of TensorFlow', 'tf_frozen_model'],
    ['m.tflite', 'x', 'a TensorFlow Lite model', 'tensorflowjs_converter'],
    ['m.bin', '....TFL3', 'a TensorFlow Lite model', 'tensorflowjs_converter'],
    ['m.onnx', 'x', 'an ONNX model', 'onnx2tf'],
    ['m.pt', 'PK', "a pickle of Python's", 'safetensors.torch.save_file'],
    [
      'pytorch_model.bin',
      'PK\x03\x04archive/data.pkl',
      "a pickle of Python's",
      'safetensors.torch.save_file',
    ],
    ['m.gguf', 'GGUF', 'a GGUF file', '.safetensors'],
    ['group1-shard1of2.bin', 'x', 'a shard of a TensorFlow.js model', 'model.json'],
    ['tiny-shard1', 'x', 'a shard of a TensorFlow.js model', 'manifest'],
    ['m.h5', 'version https://git-lfs.github.com/spec/v1\n', 'a pointer of Git LFS', 'git lfs pull'],
    ['model.json', '<!DOCTYPE html><html>', 'a page of HTML', 'Download'],
    ['m.keras', Buffer.from([0x1f, 0x8b, 8]), 'packed with gzip', 'Unpack it first'],
    [
      'config.json',
      '{"class_name":"Sequential","config":{}}',
      'not a TensorFlow.js model',
      "model.save('model.keras')",
    ],
    ['config.json', '{"model_type":"bert"}', 'not a TensorFlow.js model', '.safetensors file beside it'],
    ['m.h5', 'no', 'is no HDF5 file', "model.save('model.keras')"],
    ['m.esp', 'no', 'no .esp file', 'write it anew'],
  ])('is refused by what it is, with the way that works: %s', async (name, content, what, way) => {
    const file = join(write({ [name]: content }), name);
    const error = (await readArtifacts(file).catch((e: unknown) => e)) as Error;
    expect(error.message).toContain(what);
    expect(error.message).toContain(way);
    expect(error.message).toContain(file);
  });

  it('is named in its folder, too', async () => {
    await expect(readArtifacts(write({ 'saved_model.pb': 'x', 'variables/x': '' }))).rejects.toThrow(
      'SavedModel',
    );
    await expect(readArtifacts(write({ 'notes.txt': 'x' }))).rejects.toThrow(
      /There is no model in.*\n.*notes.txt/,
    );
    await expect(readArtifacts(write({}))).rejects.toThrow('It is empty');
    const manifest = [{ paths: ['w'], weights: [weight('w', [1])] }];
    const old = write({
      'tensorflowjs_model.pb': 'x',
      'weights_manifest.json': manifest,
      w: Float32Array.of(3),
    });
    // Of the format of 2018 the weights are read.
    expect(await valuesIn(old)).toEqual({ w: [3] });
  });

  it('is a file of 2 GiB, and it is told why', async () => {
    const file = join(folder(), 'large.safetensors');
    const handle = openSync(file, 'w');
    // A hole: it takes no place.
    ftruncateSync(handle, 2 ** 31);
    closeSync(handle);
    await expect(readArtifacts(file)).rejects.toThrow(/2147483648 bytes, and files of 2 GiB.*\n.*shards/);
  });
});
