import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, type ModelArtifacts } from '@espalier/codec';
import { expect, it } from 'vitest';
import { inspectArtifacts, inspectModel } from '../src/index.js';

/** 800 weights of which 600 are 0, the others one of three values; and a bias. */
function artifacts(): ModelArtifacts {
  const kernel = Float32Array.from({ length: 800 }, (_, i) =>
    i % 4 === 0 ? [-0.5, 0.25, 1][(i / 4) % 3] : 0,
  );
  return {
    weightSpecs: [
      { name: 'fc/kernel', shape: [100, 8], dtype: 'float32' },
      { name: 'fc/bias', shape: [8], dtype: 'float32' },
    ],
    weightData: Float32Array.of(...kernel, 1, 2, 3, 4, 5, 6, 7, 8).buffer,
  };
}

it('looks at a model in memory as at the file that it is packed into', async () => {
  const packed = encode(artifacts());
  const file = join(mkdtempSync(join(tmpdir(), 'inspection-')), 'model.esp');
  writeFileSync(file, packed);
  const read = await inspectModel(file, { name: 'one' });
  const held = await inspectArtifacts(artifacts(), { name: 'one', packed });
  expect(read.path).toBe(file);
  expect(read.inspection).toEqual(held.inspection);
  expect(read.inspection).toMatchObject({ name: 'one', packed: true, bytes: packed.length });
  expect(read.inspection.tensors[0]).toMatchObject({
    name: 'fc/kernel',
    parameters: 800,
    nonzero: 200,
    distinct: 4,
    min: -0.5,
    max: 1,
  });
  // A codebook of four float32 and an index of 2 bits a weight.
  expect(read.inspection.tensors[0].costs['codebook-16']).toEqual({ bytes: 216, error: 0 });
});

it('is called by its path, and leaves the other forms out when told to', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'inspection-')), 'model.esp');
  writeFileSync(file, encode(artifacts()));
  const { inspection } = await inspectModel(file, { costs: false });
  expect(inspection).toMatchObject({ name: file, forms: [], totals: {} });
  expect(inspection.tensors.map(({ costs }) => costs)).toEqual([{}, {}]);
});

it('is not of the file when it is not from one', async () => {
  const { inspection, file } = await inspectArtifacts(artifacts(), { name: 'one', costs: false });
  expect(inspection.packed).toBe(false);
  expect(inspection.bytes).toBe(file.fileBytes);
});

it('draws what a tensor holds: shared values, and a map of its zeros', async () => {
  const { pictureOf } = await inspectArtifacts(artifacts(), { name: 'one' });
  const kernel = pictureOf('fc/kernel')!;
  expect(kernel.centroidsAre).toBe('shared values');
  expect(kernel.codebook!.values).toEqual([-0.5, 0, 0.25, 1]);
  expect(kernel.codebook!.counts).toEqual([67, 600, 67, 66]);
  expect(kernel.mask).toMatchObject({ rows: 100, columns: 8 });
  // All of the bias differ, and none is 0.
  expect(pictureOf('fc/bias')).not.toHaveProperty('mask');
  expect(pictureOf('fc/bias')).not.toHaveProperty('codebook');
  expect(pictureOf('none')).toBeUndefined();
});
