import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODECS } from '../src/format.js';
import { decode, inspect, verify } from '../src/index.js';

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
    expect(await verify(file)).toBe(true);
  });

  it('cover every codec, and every file is listed', () => {
    expect([...new Set(golden.flatMap(({ codecs }) => codecs))].sort()).toEqual([...CODECS].sort());
    const files = readdirSync(here).filter((name) => name.endsWith('.esp'));
    expect(files.sort()).toEqual(golden.map(({ file }) => file).sort());
  });
});
