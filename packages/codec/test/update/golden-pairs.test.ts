import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diff, patch } from '../../src/update.js';

const here = new URL('../golden/', import.meta.url);
const files = readdirSync(here)
  .filter((name) => name.endsWith('.esp'))
  .map((name): [string, Uint8Array] => [name, new Uint8Array(readFileSync(new URL(name, here)))]);

describe('an update', () => {
  it.each(files)('from %s makes itself and others of the golden files', (name, old) => {
    const at = files.findIndex(([other]) => other === name);
    for (const away of [0, 1, 5, 11]) {
      const [, next] = files[(at + away) % files.length];
      const update = diff(old, next);
      expect(patch(old, update)).toEqual(next);
      // The head takes 38 bytes; what has nothing in common is not made longer by more.
      expect(update.length).toBeLessThanOrEqual(away === 0 ? 48 : next.length + 38);
    }
  });

  // Written once, by the first version of the format, and only read since: every later version has to.
  it.each([
    ['ctx-fast', 'halves'],
    ['predicted', 'types'],
    ['raw', 'text-second-form'],
  ])('that was written by an earlier version leads from %s.esp to %s.esp', (from, to) => {
    const [old, next] = [from, to].map((name) => new Map(files).get(`${name}.esp`) as Uint8Array);
    const update = new Uint8Array(readFileSync(new URL(`${from}-to-${to}.espd`, here)));
    expect(patch(old as Uint8Array, update)).toEqual(next);
  });
});
