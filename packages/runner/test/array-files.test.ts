import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode, type ModelArtifacts } from '@espalier/codec';
import {
  artifactsOfTensors,
  bytesOf,
  checkFits,
  npyBytes,
  type PlainTensor,
  readArtifacts,
  tensorsOfArtifacts,
} from '@espalier/formats';
import { runCommand } from 'citty';
import { describe, expect, it, vi } from 'vitest';
import unpack from '../src/commands/unpack.js';
import { readLayersModel } from '../src/pipeline/model-files.js';
import { folder } from './fixtures.js';

const tensor = (
  name: string,
  type: PlainTensor['type'],
  shape: number[],
  values: ArrayBufferView,
): PlainTensor => ({
  name,
  type,
  shape,
  bytes: bytesOf(values),
});

/** Of each type that comes back as it was. */
const kept = [
  tensor('a/kernel', 'float32', [2, 3], Float32Array.of(0.1, -2, 3e-9, 4, -0, 6)),
  tensor('a/half', 'float16', [2], Uint16Array.of(0x3c00, 0xc500)),
  tensor('count', 'int32', [], Int32Array.of(-70000)),
  tensor('flags', 'bool', [3], Uint8Array.of(1, 0, 1)),
  tensor('bytes', 'uint8', [2, 2], Uint8Array.of(0, 255, 3, 4)),
  tensor('words', 'uint16', [1], Uint16Array.of(65535)),
  tensor('nothing', 'float32', [0, 4], new Float32Array(0)),
];

it('a model of more weights than an .esp file is read with is refused before any work', () => {
  const of = (...shape: number[]): ModelArtifacts => ({
    weightSpecs: [{ name: 'w', shape, dtype: 'float32' }],
  });
  expect(() => checkFits(of(2 ** 14, 2 ** 14), 'm')).not.toThrow();
  expect(() => checkFits(of(2 ** 14, 2 ** 14 + 1), 'm.safetensors')).toThrow(
    /m.safetensors has 268451840 weights; .esp files of more than 2\^28 are not read/,
  );
});

it('a model that TF.js does not take is refused by name, with its reason', async () => {
  const dir = folder();
  const bad = { class_name: 'Sequential', config: { layers: [{ class_name: 'Nope', config: {} }] } };
  for (const modelTopology of [bad, { node: [], library: {} }, {}, { class_name: 'Sequential' }]) {
    writeFileSync(join(dir, 'model.json'), JSON.stringify({ modelTopology, weightsManifest: [] }));
    const error = await readLayersModel(dir).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'EspalierError', code: 'bad-model' });
    expect((error as Error).message).toContain(`TensorFlow.js does not take ${join(dir, 'model.json')}`);
  }
});

describe('weights without a model, on disk', () => {
  const silently = async (rawArgs: string[]): Promise<string> => {
    const lines: string[] = [];
    const take = (text: unknown): boolean => lines.push(String(text)) > 0;
    const spies = [process.stdout, process.stderr].map((s) => vi.spyOn(s, 'write').mockImplementation(take));
    try {
      await runCommand(unpack as never, { rawArgs });
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return lines.join('');
  };

  it('a folder of .npy goes into an .esp and comes back byte for byte', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'a'));
    for (const one of kept) writeFileSync(join(dir, `${one.name}.npy`), npyBytes(one));
    const { artifacts } = await readArtifacts(dir);
    expect(artifacts.modelTopology).toBeUndefined();
    expect(tensorsOfArtifacts(artifacts).map(({ name }) => name)).toEqual(
      kept.map(({ name }) => name).sort(),
    );
    const esp = join(dir, 'model.esp');
    writeFileSync(esp, encode(artifacts));
    const out = join(dir, 'out');
    await silently([esp, '-o', out]);
    for (const { name } of kept) {
      expect(readFileSync(join(out, `${name}.npy`)).equals(readFileSync(join(dir, `${name}.npy`)))).toBe(
        true,
      );
    }
    const file = join(dir, 'all.safetensors');
    await silently([esp, '-o', file]);
    expect((await readArtifacts(file)).artifacts).toEqual(artifacts);
    await expect(silently([esp, '-o', file])).rejects.toThrow('exists; nothing was overwritten');
    await expect(silently([esp, '-o', out])).rejects.toThrow('is not empty');
    const single = await readArtifacts(join(dir, 'a', 'kernel.npy'));
    expect(single.artifacts.weightSpecs).toEqual([{ name: 'kernel', shape: [2, 3], dtype: 'float32' }]);
    await expect(readLayersModel(file)).rejects.toThrow('holds weights and no model to run');
  });

  it('never writes outside of the folder, whatever a file names its weights', async () => {
    const dir = folder();
    for (const name of [
      '../x',
      '/x',
      'a//b',
      'a/../../x',
      '..\\x',
      '.',
      'con',
      'a/NUL.x',
      'a ',
      'b./c',
      'x\u0000',
      'y\u001b[31m',
      'z'.repeat(250),
      '好'.repeat(80),
      '\u202eabc',
      '\ud800',
      'CONIN$',
      'lpt\u00b9',
    ]) {
      const esp = join(dir, 'bad.esp');
      writeFileSync(
        esp,
        encode(
          artifactsOfTensors([
            { ...kept[0], name: 'fine' },
            { ...kept[0], name },
          ]),
        ),
      );
      await expect(silently([esp, '-o', join(dir, 'out')])).rejects.toThrow(
        `${JSON.stringify(name)} is no file name`,
      );
    }
    expect(readdirSync(dir)).toEqual(['bad.esp']);
  });

  it.each([
    [['Dense/kernel', 'dense/kernel'], 'would be one file where case does not count'],
    [['caf\u00e9', 'cafe\u0301'], 'would be one file where case does not count'],
    [['stra\u00dfe', 'STRASSE'], 'would be one file where case does not count'],
    [['\u212b', '\u00e5'], 'would be one file where case does not count'],
    [['a', 'a.npy/b'], 'The file of a would be the folder of a.npy/b'],
    [['A.NPY/b', 'a'], 'The file of a would be the folder of A.NPY/b'],
    [['x/a.npy/b/c', 'x/A'], 'would be the folder of'],
  ])('refuses %j before anything is written, and names what takes them', async (names, message) => {
    const dir = folder();
    const esp = join(dir, 'bad.esp');
    const out = join(dir, 'out');
    writeFileSync(esp, encode(artifactsOfTensors(names.map((name) => ({ ...kept[0], name })))));
    await expect(silently([esp, '-o', out])).rejects.toThrow(message);
    await expect(silently([esp, '-o', out])).rejects.toThrow('-o weights.safetensors');
    expect(readdirSync(dir)).toEqual(['bad.esp']);
    await silently([esp, '-o', join(dir, 'x.safetensors')]);
    const { artifacts } = await readArtifacts(join(dir, 'x.safetensors'));
    expect(artifacts.weightSpecs?.map(({ name }) => name)).toEqual(names);
  });

  it('keeps weights that are named like what every object has', async () => {
    const dir = folder();
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const esp = join(dir, 'names.esp');
    writeFileSync(esp, encode(artifactsOfTensors(names.map((name) => ({ ...kept[0], name })))));
    await silently([esp, '-o', join(dir, 'x.safetensors')]);
    const { artifacts } = await readArtifacts(join(dir, 'x.safetensors'));
    expect(artifacts.weightSpecs?.map(({ name }) => name)).toEqual(names);
    writeFileSync(esp, encode(artifactsOfTensors([{ ...kept[0], name: '__metadata__' }])));
    await expect(silently([esp, '-o', join(dir, 'y.safetensors')])).rejects.toThrow(
      /__metadata__, has a meaning of its own.*\n.*Unpack to a folder/,
    );
    await silently([esp, '-o', join(dir, 'arrays')]);
    expect(readdirSync(join(dir, 'arrays'))).toEqual(['__metadata__.npy']);
  });
});
