import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decode } from '../src/index.js';
import { primer } from '../src/text/primer.js';
import { decodeByTheBook, sha256 } from './reference/file.js';

// What docs/format.md says, and what the decoder does, are the same.

const here = new URL('./golden/', import.meta.url);
const files = readdirSync(here).filter((name) => name.endsWith('.esp'));

test.each(files)('%s', (name) => {
  const file = new Uint8Array(readFileSync(new URL(name, here)));
  const { weightData, weightSpecs, ...rest } = decode(file);
  const { meta, tensors } = decodeByTheBook(file);
  expect(Buffer.concat(tensors.map(({ bytes }) => bytes)).equals(Buffer.from(weightData))).toBe(true);
  expect(tensors.map(({ bytes, ...spec }) => spec)).toEqual(weightSpecs);
  expect({ ...rest }).toEqual(
    Object.fromEntries(Object.entries(meta).filter(([k]) => !['license', 'sha256'].includes(k))),
  );
});

test('the primer is the frozen one', () => {
  expect(primer().length).toBe(1712);
  expect(sha256(primer())).toBe('3112524734af20b29bd69f3bfef5e13137b5ed3d470bf9a81195c64a42fbcdaf');
});
