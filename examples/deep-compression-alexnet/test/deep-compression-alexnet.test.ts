import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from '@espalier/codec';
import { writeNpy } from '@espalier/formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// @ts-expect-error: the example is plain JavaScript
import { compressFolder } from '../deep-compression.js';
// @ts-expect-error: the example is plain JavaScript
import { drawMissing, layersAt } from '../layers.js';
// @ts-expect-error: the example is plain JavaScript
import { histograms, violins } from '../plots.js';
// @ts-expect-error: the example is plain JavaScript
import { prune } from '../prune.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alexnet-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('deep-compression-alexnet', () => {
  it('has the notebook’s shapes: 61 million weights', () => {
    const sizes = layersAt(1).map(({ rows, columns }: { rows: number; columns: number }) => rows * columns);
    expect(sizes.reduce((a: number, b: number) => a + b)).toBe(60_954_656);
  });

  it('prunes exactly the share asked for, the smallest ones, ties by index', () => {
    const values = Float32Array.of(0.5, -3, 1, -1, 1, 0.25, -0, 2);
    expect(prune(values, 0.5)).toBe(4);
    expect([...values]).toEqual([0, -3, 1, -1, 0, 0, 0, 2]);
    const many = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i * i) * 2 ** Math.cos(i));
    const order = [...many].map(Math.abs).sort((a, b) => b - a);
    prune(many, 0.137);
    const left = [...many].filter((v) => v !== 0).map(Math.abs);
    expect(left.sort((a, b) => b - a)).toEqual(order.slice(0, 685));
  });

  it('takes a small AlexNet through every step, and uses the weights that are there', async () => {
    const layers = layersAt(1 / 16);
    const weights = join(folder, 'weights');
    const own = Float32Array.from({ length: layers[0].rows * layers[0].columns }, (_, i) =>
      Math.cos(i * 1.7),
    );
    expect(await drawMissing(weights, layers, 3)).toHaveLength(8);
    const drawn = readFileSync(join(weights, 'fc6.npy'));
    writeFileSync(join(weights, 'conv1.npy'), writeNpy([layers[0].rows, layers[0].columns], own));
    expect(await drawMissing(weights, layers, 4)).toEqual([]);
    expect(readFileSync(join(weights, 'fc6.npy')).equals(drawn)).toBe(true);

    const out = join(folder, 'out');
    const { rows, deepBytes, espBytes } = await compressFolder({ layers, weights, out, keep: 0.1 });
    for (const [i, row] of rows.entries()) {
      expect(row.kept).toBe(Math.round(0.1 * row.size));
      expect(row.centres).toBeLessThanOrEqual(layers[i].clusters);
    }
    // At 10 %, one gap in 0.9^-16 = 5.4 is longer than 15: fillers are really used.
    const fc6 = rows[5];
    expect(fc6.centres).toBe(16);
    expect(fc6.fillers / (fc6.fillers + fc6.kept)).toBeGreaterThan(0.15);
    const sum = (name: string): number =>
      rows.reduce((n: number, { bytes }: { bytes: Record<string, number> }) => n + bytes[name], 0);
    expect(deepBytes).toBe(sum('relative') + 4 * 8);
    expect(statSync(join(out, 'alexnet.esp')).size).toBe(espBytes);
    const falling = [sum('float32'), sum('pruned'), deepBytes, sum('huffman'), espBytes];
    expect(falling).toEqual([...falling].sort((a, b) => b - a));

    const { weightSpecs, weightData } = decode(readFileSync(join(out, 'alexnet.esp')));
    expect(weightSpecs.map(({ name, shape }) => [name, shape[0] * shape[1]])).toEqual(
      rows.map(({ name, size }: { name: string; size: number }) => [name, size]),
    );
    // The largest weight of the user's file went to the last centre, which is near it.
    const first = new Float32Array(weightData, 0, own.length);
    expect(Math.abs(Math.max(...first) - Math.max(...own))).toBeLessThan(0.02);
    expect(readdirSync(out).filter((name) => name.endsWith('.png'))).toHaveLength(8);
  });

  it('draws figures of all layers', async () => {
    const histogram = {
      tensor: 'conv1',
      edges: [-1, 0, 1],
      before: [3, 1],
      zerosBefore: 0,
      centroids: [-0.5, 0.5],
    };
    const figure: string = histograms([histogram, histogram], true);
    expect(figure.match(/<circle/g)).toHaveLength(4);
    // The median of 3 values in [-1, 0] and 1 in [0, 1] lies two thirds into the first bin.
    expect(violins([histogram], [-0.25])).toContain('conv1');
    expect(`${figure}${violins([histogram], [0])}`).not.toMatch(/NaN|undefined|Infinity/);
  });
});
