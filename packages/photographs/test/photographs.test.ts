import { describe, expect, test } from 'vitest';
import { photographs } from '../src/index.js';

describe('photographs', () => {
  test('are thirteen, unlike each other, with their licences', () => {
    const pictures = photographs();
    expect(new Set(pictures.map(({ name }) => name)).size).toBe(13);
    for (const { width, height, data, by, licence, shows } of pictures) {
      expect(data.length).toBe(3 * width * height);
      expect(Math.min(width, height)).toBeGreaterThan(200);
      expect(['CC0-1.0', 'public domain']).toContain(licence);
      expect(by.length * shows.length).toBeGreaterThan(0);
      // Not one grey: black, white and what lies between.
      const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
      const deviation = Math.sqrt(data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length);
      expect(mean).toBeGreaterThan(20);
      expect(deviation).toBeGreaterThan(20);
    }
  });

  test('are decoded as red, green and blue: the suit is orange, the leaves are green', () => {
    const mean = (name: string, left: number, top: number): number[] => {
      const [{ data, width }] = photographs({ names: [name] });
      const sums = [0, 0, 0];
      for (let y = top; y < top + 16; y++) {
        for (let x = left; x < left + 16; x++) {
          for (let c = 0; c < 3; c++) sums[c] += data[3 * (y * width + x) + c] / 256;
        }
      }
      return sums;
    };
    const [red, green, blue] = mean('astronaut', 64, 140);
    expect(red).toBeGreaterThan(green + 60);
    expect(green).toBeGreaterThan(blue);
    const leaf = mean('raccoon', 20, 180);
    expect(leaf[1]).toBeGreaterThan(Math.max(leaf[0], leaf[2]));
  });

  test('are chosen by name', () => {
    expect(photographs({ names: ['cat', 'alps'] }).map(({ name }) => name)).toEqual(['cat', 'alps']);
    expect(() => photographs({ names: ['dog'] })).toThrow(/no photograph 'dog'.*raccoon/);
  });
});
