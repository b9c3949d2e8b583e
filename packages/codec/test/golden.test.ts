import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODECS } from '../src/container/format.js';
import { decode, inspect, verify } from '../src/index.js';
import { createDecoder } from '../src/streaming.js';

interface Golden {
  file: string;
  fileSha256: string;
  codecs: string[];
  weightsSha256: string;
  artifactsSha256: string;
}

const here = new URL('./golden/', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('golden.json', here), 'utf8')) as Golden[];
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

describe('golden files', () => {
  it.each(golden)('$file decodes to the same weights and artifacts', async (entry) => {
    const file = new Uint8Array(readFileSync(new URL(entry.file, here)));
    expect(sha256(file)).toBe(entry.fileSha256);
    const { weightData, ...rest } = decode(file);
    expect(sha256(new Uint8Array(weightData))).toBe(entry.weightsSha256);
    expect(sha256(JSON.stringify(rest))).toBe(entry.artifactsSha256);
    expect(inspect(file).tensors.map(({ codec }) => codec)).toEqual(entry.codecs);
    // What was forged carries no SHA-256.
    expect(await verify(file)).toBe(!entry.file.startsWith('beyond-'));
  });

  it.each([
    ['planes', -1.75],
    ['lz', 1],
    ['ctx-fast', -1],
    ['ctx-mix', -1],
  ])('beyond-%s.esp has one meaning: the bytes beyond a payload are 0 wherever it lies', (codec, last) => {
    const file = new Uint8Array(readFileSync(new URL(`beyond-${codec}.esp`, here)));
    const { weightData } = decode(file);
    expect(new Float32Array(weightData, 0, 200)[199]).toBe(last);
    for (const size of [1, 7, file.length]) {
      const decoder = createDecoder();
      const parts: Buffer[] = [];
      for (let at = 0; at < file.length; at += size) {
        for (const { data } of decoder.write(file.subarray(at, at + size))) parts.push(Buffer.from(data));
      }
      expect(Buffer.concat(parts).equals(Buffer.from(weightData))).toBe(true);
    }
    // Where the file is part of a larger buffer.
    const larger = new Uint8Array(file.length + 9).fill(0xa5);
    larger.set(file, 3);
    expect(decode(larger.subarray(3, 3 + file.length)).weightData).toEqual(weightData);
  });

  it('cover every codec, and every file is listed', () => {
    expect([...new Set(golden.flatMap(({ codecs }) => codecs))].sort()).toEqual([...CODECS].sort());
    const files = readdirSync(here).filter((name) => name.endsWith('.esp'));
    expect(files.sort()).toEqual(golden.map(({ file }) => file).sort());
  });
});
