import '@tensorflow/tfjs-backend-cpu';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePng } from '@espalier/codec/han';
import { cut, readArtifacts, readPicture, writeNpy } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { runCommand } from 'citty';
import { expect, test, vi } from 'vitest';
import command from '../src/commands/compress.js';
import { calibrationOf } from '../src/inputs/calibration.js';
import { artifactsOf } from '../src/pipeline/model-files.js';
import { writePlain } from '../src/pipeline/plain.js';
import { folder } from './fixtures.js';

test('pictures: read, cut and put into a range, the same for the same seed', async () => {
  const dir = folder();
  const pixels = Uint8Array.from({ length: 40 * 30 }, (_, i) => (i % 40) * 6);
  writeFileSync(join(dir, 'ramp.png'), await writePng({ width: 40, height: 30, indices: pixels }));
  const picture = await readPicture(join(dir, 'ramp.png'));
  expect([picture.width, picture.height, picture.data[3 * 7]]).toEqual([40, 30, 42]);
  const part = cut(picture, { width: 10, height: 10, channels: 3 }, () => 0.999);
  // Shrunk by 3: each pixel is the mean of three columns.
  expect(part[3] - part[0]).toBeCloseTo(18, 4);
  const inputs = [{ name: 'x', shape: [-1, -1, -1, 3], dtype: 'float32' as const }];
  const options = { count: 5, range: [-1, 1] as const, length: 8, seed: 3 };
  const [a] = await calibrationOf(dir, inputs, options);
  const [b] = await calibrationOf(dir, inputs, options);
  expect(a.shape).toEqual([5, 8, 8, 3]);
  expect([...a.dataSync()]).toEqual([...b.dataSync()]);
  expect(Math.min(...a.dataSync())).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...a.dataSync())).toBeLessThanOrEqual(1);
  await expect(calibrationOf(folder(), inputs, options)).rejects.toThrow('There is no picture');
  await expect(calibrationOf(join(dir, 'none'), inputs, options)).rejects.toThrow('There is no');
  await expect(calibrationOf(join(dir, 'none.npy'), inputs, options)).rejects.toMatchObject({
    name: 'EspalierError',
    message: expect.stringContaining('There is no file'),
  });
  tf.dispose([a, b]);
});

test('espalier compress: a model.json becomes a file of the size asked for', async () => {
  const dir = folder();
  const model = sequential({
    layers: [layers.dense({ units: 40, activation: 'relu', inputShape: [30] }), layers.dense({ units: 10 })],
  });
  await writePlain(dir, await artifactsOf(model));
  const inputs = tf.randomNormal([40, 30], 0, 1, 'float32', 5);
  writeFileSync(join(dir, 'x.npy'), writeNpy([40, 30], inputs.dataSync() as Float32Array));
  const lines: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  const out = join(dir, 'small.esp');
  const call = (...rest: string[]): Promise<unknown> =>
    runCommand(command as never, { rawArgs: [dir, '-o', out, '--backend', 'cpu', '--json', ...rest] });
  try {
    await call('--size', '1kB', '--calibrate', join(dir, 'x.npy'));
    const summary = JSON.parse(lines.join('')) as { bytes: number; fidelity: { psnr: number }; met: boolean };
    expect(summary.bytes).toBe(readFileSync(out).length);
    expect(summary.bytes).toBeLessThanOrEqual(1000);
    expect(summary.bytes).toBeGreaterThan(850);
    const { artifacts } = await readArtifacts(out);
    expect(artifacts.weightSpecs?.map(({ shape }) => shape)).toEqual([[30, 40], [40], [40, 10], [10]]);
    await expect(call('--size', '10', '--calibrate', join(dir, 'x.npy'))).rejects.toThrow(
      'The aim was not reached',
    );
    await expect(call('--quality', 'high')).rejects.toThrow("--quality is 'high'");
    await expect(call('--size', '5 pounds')).rejects.toThrow('Give bytes');
    await expect(call('--qualty', '4')).rejects.toThrow("Did you mean '--quality'?");
  } finally {
    spy.mockRestore();
  }
  inputs.dispose();
});
