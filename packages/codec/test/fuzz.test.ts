import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../src/bytes/crc32c.js';
import { decode, EspError, inspect } from '../src/index.js';
import { sealHeader, withHeader } from './forge.js';

// The bounded part of bench/fuzz.mjs: damage with right checksums, so that the rules behind them are reached.

const here = new URL('./golden/', import.meta.url);
const files = readdirSync(here)
  .filter((name) => name.endsWith('.esp'))
  .map((name) => new Uint8Array(readFileSync(new URL(name, here))));

let seed = 20_26;
const random = (below: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};

/** What comes of it: 'accepted' or the error's code. Anything but an EspError is thrown on. */
function outcome(file: Uint8Array): string {
  try {
    decode(file, { elements: 2 ** 18, decodedBytes: 2 ** 20 });
    return 'accepted';
  } catch (error) {
    if (error instanceof EspError) return error.code;
    throw error;
  }
}

describe('forged files with right checksums', () => {
  it('mutated headers lead to a model or an EspError', () => {
    const codes = new Set<string>();
    for (let n = 0; n < 2500; n++) {
      const file = files[n % files.length];
      const { headerBytes } = inspect(file);
      const header = Array.from(file.subarray(0, headerBytes));
      for (let k = 1 + random(3); k > 0; k--) {
        const at = 26 + random(header.length - 26);
        const kind = random(4);
        if (kind === 0) header[at] ^= 1 << random(8);
        else if (kind === 1) header[at] = [0, 1, 127, 128, 255][random(5)];
        else if (kind === 2) header.splice(at, 0, random(256), 255);
        else header.splice(at, 1);
      }
      codes.add(outcome(withHeader(file, header)));
    }
    expect([...codes].sort()).toEqual(
      expect.arrayContaining(['checksum', 'header', 'limit', 'payload', 'version']),
    );
  });

  it('mutated payloads lead to a model or an EspError', () => {
    const codes: Record<string, number> = {};
    for (let n = 0; n < 2000; n++) {
      const file = files[n % files.length].slice();
      const { headerBytes, tensors } = inspect(file);
      if (tensors.length !== 1 || tensors[0].tiles !== 1) continue;
      const before = crc32c(file, headerBytes);
      for (let k = 1 + random(3); k > 0; k--)
        file[headerBytes + random(file.length - headerBytes)] = random(256);
      const view = new DataView(file.buffer);
      let at = 26;
      while (view.getUint32(at, true) !== before) at++;
      view.setUint32(at, crc32c(file, headerBytes), true);
      const code = outcome(sealHeader(file, headerBytes));
      codes[code] = (codes[code] ?? 0) + 1;
    }
    // A SHA-256 is not checked by decode, so what still means something is accepted.
    expect(Object.keys(codes).sort()).toEqual(['accepted', 'payload']);
  });
});
