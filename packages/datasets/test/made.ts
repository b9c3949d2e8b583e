import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encode } from 'fast-png';

/** A folder that is the test's own. */
export const folder = (): string => mkdtempSync(join(tmpdir(), 'espalier-datasets-'));

export function write(file: string, content: string | Uint8Array): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** A PNG picture; the colour of each pixel by its place. */
export function picture(
  file: string,
  [height, width]: readonly [number, number],
  colour: (y: number, x: number) => readonly [number, number, number],
): string {
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(colour(y, x), 3 * (y * width + x));
  }
  return write(file, encode({ width, height, data, channels: 3, depth: 8 }));
}

/** Pictures of two classes, red ones and blue ones, each of another shade, wider than high. */
export function redAndBlue(home: string, each = 6): string {
  for (let i = 0; i < each; i++) {
    picture(join(home, 'red', `${i}.png`), [6, 8], (y, x) => [200 + i, 10 * y, 5 * x]);
    picture(join(home, 'blue', `${i}.png`), [6, 8], (y, x) => [10 * y, 5 * x, 200 + i]);
  }
  return home;
}

/** A table of two kinds of flowers: colour and lengths tell them apart. */
export function flowers(
  file: string,
  rows = 40,
  change: (line: string, i: number) => string = (line) => line,
): string {
  const lines = ['length,colour,price,kind'];
  for (let i = 0; i < rows; i++) {
    const rose = i % 2 === 0;
    lines.push(
      `${rose ? 10 + i / 10 : 2 + i / 10},${rose ? 'red' : i % 3 === 0 ? 'white' : 'yellow'},${3 * i + 1},${rose ? 'rose' : 'daisy'}`,
    );
  }
  return write(file, `${lines.map(change).join('\n')}\n`);
}
