import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** A weight matrix as small integers, in PyTorch's order: dense [out, in], conv [out, in, height, width]. */
export interface LevelCase {
  file: string;
  net: 'lenet-300-100-92' | 'lenet-5-99';
  layer: string;
  shape: number[];
  levels: Int8Array;
}

const read = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

/** Two nets trained on MNIST, pruned, and quantised with 16 centroids a layer. */
export function levelCases(): LevelCase[] {
  const list = JSON.parse(read('levels.json').toString()) as Omit<LevelCase, 'levels'>[];
  return list.map((entry) => ({ ...entry, levels: new Int8Array(gunzipSync(read(entry.file))) }));
}
