import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { encode, inspect, type ModelArtifacts, type WeightSpec } from '@espalier/codec';
import type { Inspection } from '@espalier/report';
import { runCommand } from 'citty';
import { describe, expect, it, vi } from 'vitest';
import command from '../src/commands/inspect.js';
import { writePlain } from '../src/pipeline/plain.js';
import { folder } from './fixtures.js';

/** A kernel of normal-like weights, one of four values and zeros, integers, flags, a quantised tensor and a text. */
function artifacts(): ModelArtifacts {
  const kernel = Float32Array.from({ length: 6000 }, (_, i) => Math.sin(i * i) * Math.cos(7 * i) * 0.1);
  const shared = Float32Array.from({ length: 800 }, (_, i) =>
    i % 4 === 0 ? [-0.5, 0.25, 1][(i / 4) % 3] : 0,
  );
  const parts: [WeightSpec, ArrayBufferView][] = [
    [{ name: 'fc1/kernel', shape: [60, 100], dtype: 'float32' }, kernel],
    [{ name: 'fc2/kernel', shape: [100, 8], dtype: 'float32' }, shared],
    [{ name: 'steps', shape: [2], dtype: 'int32' }, Int32Array.of(7, -7)],
    [{ name: 'flags', shape: [3], dtype: 'bool' }, Uint8Array.of(1, 0, 1)],
    [
      {
        name: 'small',
        shape: [4, 2],
        dtype: 'float32',
        quantization: { dtype: 'uint8', scale: 0.5, min: -1 },
      },
      Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    ],
    [{ name: 'words', shape: [1], dtype: 'string' }, Uint8Array.of(2, 0, 0, 0, 104, 105)],
  ];
  const bytes = Buffer.concat(
    parts.map(([, part]) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  );
  return {
    modelTopology: { class_name: 'Sequential', config: { layers: [] } },
    weightSpecs: parts.map(([spec]) => spec),
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
  };
}

async function run(...rawArgs: string[]): Promise<string> {
  const lines: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    await runCommand(command as never, { rawArgs });
  } finally {
    spy.mockRestore();
  }
  return lines.join('');
}

type Row = Inspection['tensors'][number];
const json = async (...args: string[]): Promise<Inspection & { file: string; fileBytes: number }> =>
  JSON.parse(await run(...args, '--json'));

describe('espalier inspect', async () => {
  const dir = folder();
  await writePlain(dir, artifacts());
  const file = join(dir, 'model.esp');
  const packed = encode(artifacts(), { effort: 3 });
  writeFileSync(file, packed);
  const plain = await json(join(dir, 'model.json'));
  const row = ({ tensors }: Inspection, name: string): Row => tensors.find((t) => t.name === name) as Row;

  it('says of each tensor what it holds', () => {
    expect(plain.tensors.map(({ name, dtype }) => [name, dtype])).toEqual([
      ['fc1/kernel', 'float32'],
      ['fc2/kernel', 'float32'],
      ['steps', 'int32'],
      ['flags', 'bool'],
      ['small', 'float32 (uint8)'],
      ['words', 'string'],
    ]);
    expect(row(plain, 'fc2/kernel')).toMatchObject({
      shape: [100, 8],
      parameters: 800,
      nonzero: 200,
      distinct: 4,
      min: -0.5,
      max: 1,
    });
    // Three quarters are 0; 67, 67 and 66 of 800 are the others.
    const bits = [600, 67, 67, 66].reduce((sum, n) => sum - (n / 800) * Math.log2(n / 800), 0);
    expect(row(plain, 'fc2/kernel').entropy).toBeCloseTo(bits, 12);
    expect(row(plain, 'small')).toMatchObject({ min: -1, max: 2.5, mean: 0.75, zeros: 1 });
    expect(row(plain, 'words')).toMatchObject({ parameters: 1, min: null, distinct: 0 });
  });

  it('says what it takes in other forms: bytes that are really made', () => {
    const { costs } = row(plain, 'fc1/kernel');
    const kernel = new Float32Array((artifacts().weightData as ArrayBuffer).slice(0, 24_000));
    const [low, high] = [Math.min(...kernel), Math.max(...kernel)];
    const levels = kernel.map((w) => Math.round((w - low) / ((high - low) / 255)));
    expect(costs.float32).toEqual({ bytes: 24_000, error: 0 });
    expect(costs['float32-gzip'].bytes).toBe(gzipSync(Buffer.from(kernel.buffer), { level: 9 }).length);
    expect(costs.uint8.bytes).toBe(6000);
    // How the window's width is written takes up to 7 bits.
    const brotli = brotliCompressSync(Uint8Array.from(levels)).length;
    expect(Math.abs(costs['uint8-brotli'].bytes - brotli)).toBeLessThanOrEqual(1);
    // Indices of 4 and 8 bits, and the centres as float32.
    expect(costs['codebook-16'].bytes).toBe(3000 + 64);
    expect(costs['codebook-256'].bytes).toBe(6000 + 1024);
    // A step of 1/255 of the range: uniform noise of step / sqrt(12), as the weights are spread far wider.
    const rms = Math.sqrt(kernel.reduce((sum, w) => sum + w * w, 0) / 6000);
    for (const form of ['uint8', 'uint8-brotli', 'esp-8']) {
      expect(costs[form].error / ((high - low) / 255 / Math.sqrt(12) / rms)).toBeCloseTo(1, 1);
    }
    expect(costs['codebook-256'].error).toBeLessThan(costs['codebook-16'].error / 8);
    // Four values are a codebook of 2 bits already; nothing is lost.
    expect(row(plain, 'fc2/kernel').costs['codebook-16']).toEqual({ bytes: 200 + 16, error: 0 });
    expect(row(plain, 'small').costs.uint8).toEqual({ bytes: 8, error: 0 });
    expect(row(plain, 'small').costs.float32.bytes).toBe(32);
    expect(row(plain, 'steps').costs.float32.bytes).toBe(8);
  });

  it('counts topology and headers in the totals of .esp, and nothing twice', () => {
    const sum = (form: string): number => plain.tensors.reduce((n, t) => n + t.costs[form].bytes, 0);
    for (const form of ['float32', 'uint8', 'uint8-brotli', 'codebook-16', 'codebook-256'])
      expect(plain.totals[form].bytes).toBe(sum(form));
    const { headerBytes } = inspect(encode(artifacts(), { effort: 1 }));
    expect(plain.totals.esp.bytes - sum('esp')).toBe(headerBytes);
    expect(plain.totals['esp-8'].bytes).toBeLessThan(plain.totals.esp.bytes / 2);
    expect(plain.totals.esp.error).toBe(0);
  });

  it('looks at an .esp file, and at a run by its folder', async () => {
    const esp = await json(file);
    expect([esp.packed, esp.fileBytes, esp.totals.esp.bytes]).toEqual([true, packed.length, packed.length]);
    for (const { name, min, max, entropy, deviation } of plain.tensors)
      expect(row(esp, name)).toMatchObject({ min, max, entropy, deviation });
    expect((await json(dir)).file).toBe(file);
    const held = inspect(packed).tensors.map(({ storedBytes }) => storedBytes);
    expect(esp.tensors.map(({ bytes }) => bytes)).toEqual(held);
  });

  it('prints tables and CSV, in the order asked for, with costs or without', async () => {
    const text = await run(file, '--sort', 'bytes');
    const names = text.match(/^\S+(?=\s+\d.*(float32|int32|bool|string))/gm);
    expect(names?.slice(0, 2)).toEqual(['fc1/kernel', 'fc2/kernel']);
    expect(text).toContain('60 × 100');
    expect(text).toMatch(/^bits per weight/m);
    const bare = await run(file, '--no-costs');
    expect(bare).not.toMatch(/^bits per weight/m);
    expect(bare).toContain('fc2/kernel');
    const csv = (await run(file, '--csv', '--sort', 'name')).trim().split('\n');
    const head = csv[0].split(',');
    expect(csv).toHaveLength(7);
    for (const line of csv) expect(line.split(',')).toHaveLength(head.length);
    expect(csv[1]).toMatch(/^fc1\/kernel,float32,6000,/);
    expect(csv[1].split(',')[head.indexOf('esp')]).toBe(String(row(await json(file), 'fc1/kernel').bytes));
    await expect(run(file, '--sort', 'byte')).rejects.toThrow("Did you mean 'bytes'?");
    await expect(run(file, '--htm', 'x')).rejects.toThrow('no option');
    expect(readFileSync(file)).toEqual(Buffer.from(packed));
  });
});
