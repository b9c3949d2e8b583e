import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomUniform } from '@espalier/core';
import { loadRecipe } from '@espalier/runner';
import { expect, test } from 'vitest';
import { divided, packages, patches, shrunk } from '../prepare.js';

/** A bitmap of 24 bits a pixel, of grey that rises from left to right. */
function bitmap(width: number, height: number): Uint8Array {
  const row = 4 * Math.ceil((3 * width) / 4);
  const file = Buffer.alloc(54 + row * height);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) file.fill(x, 54 + y * row + 3 * x, 54 + y * row + 3 * x + 3);
  }
  return file;
}

function write(root: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), bitmap(60, 50));
  }
}

const backgrounds = 'usr/share/backgrounds';
const photographs = [
  `${backgrounds}/Bridge_by_Somebody.jpg`,
  `${backgrounds}/Fossa_by_Jasper_Roks.jpg`,
  `${backgrounds}/mate/nature/Dune.jpg`,
  `${backgrounds}/mate/nature/Wood.jpg`,
  'usr/share/wallpapers/Path/contents/images/2560x1600.jpg',
];

test('whole photographs are divided; what is missing is named, with how to get it', () => {
  const root = mkdtempSync(join(tmpdir(), 'photographs-'));
  expect(() => divided(root)).toThrow(
    /No photographs of lomiri-wallpapers-16\.04, .*apt-get install .*plasma/,
  );
  write(root, photographs.slice(0, 4));
  expect(() => divided(root)).toThrow(/^No photographs of plasma-workspace-wallpapers\. Install/);
  write(root, photographs);
  const { train, validation, test } = divided(root);
  const all = [...train, ...validation, ...test];
  expect(new Set(all)).toEqual(new Set(photographs.map((name) => join(root, name))));
  expect([all.length, train.length, validation.length]).toEqual([5, 3, 1]);
  expect(Object.keys(packages)).toHaveLength(4);
});

test('a patch comes with the same at half its size', async () => {
  const root = mkdtempSync(join(tmpdir(), 'photographs-'));
  write(root, ['a.bmp']);
  const { small, large } = await patches([join(root, 'a.bmp')], 3, randomUniform(1));
  expect([small[0], large[0]]).toEqual([
    [3, 24, 24, 3],
    [3, 48, 48, 3],
  ]);
  for (let i = 0; i < 3; i++) {
    const [left] = large[1].subarray(i * 48 * 48 * 3);
    expect([...large[1].subarray(i * 48 * 48 * 3, i * 48 * 48 * 3 + 9)]).toEqual(
      [0, 0, 0, 1, 1, 1, 2, 2, 2].map((step) => left + step),
    );
    expect(small[1][i * 24 * 24 * 3]).toBe(left + 0.5);
  }
});

test('a smaller picture is the mean of squares', () => {
  const data = Float32Array.from({ length: 3 * 15 }, (_, i) => i % 3);
  data[0] = 4;
  expect(shrunk({ width: 5, height: 3, data }, 2)).toEqual({
    width: 2,
    height: 1,
    data: Float32Array.of(1, 1, 2, 0, 1, 2),
  });
});

test('the recipe is one', async () => {
  const { recipe } = await loadRecipe(fileURLToPath(new URL('../recipe.yaml', import.meta.url)));
  expect(recipe.goal).toBe('psnr');
});
