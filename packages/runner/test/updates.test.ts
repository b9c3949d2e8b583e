import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from '@espalier/codec';
import { describe, expect, it, vi } from 'vitest';
import { cli } from '../src/command-line.js';
import { folder } from './fixtures.js';

/** What a command line prints, and its exit code. */
async function said(...args: string[]): Promise<{ code: number; out: string; told: string }> {
  const [out, told]: [string[], string[]] = [[], []];
  const take = (lines: string[]) => (text: unknown) => lines.push(String(text)) > 0;
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(take(out)),
    vi.spyOn(process.stderr, 'write').mockImplementation(take(told)),
  ];
  try {
    return { code: await cli(args), out: out.join(''), told: told.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('espalier diff and patch', () => {
  const dir = folder();
  const at = (name: string): string => join(dir, name);
  const file = (moved: number): Uint8Array =>
    encode({
      weightSpecs: [{ name: 'w', shape: [64, 32], dtype: 'float32' }],
      weightData: Float32Array.from(
        { length: 2048 },
        (_, i) => (((Math.imul(i, 0x9e3779b1) >>> 8) ^ (i >> 3)) % 13) - (i < moved ? 5 : 6),
      ).buffer,
    });
  const [old, next] = [file(0), file(9)];
  writeFileSync(at('old.esp'), old);
  writeFileSync(at('new.esp'), next);

  it('make the new file of the old one and an update', async () => {
    const made = await said('diff', at('old.esp'), at('new.esp'), '-o', at('update.espd'), '--json');
    const update = readFileSync(at('update.espd'));
    expect(JSON.parse(made.out)).toEqual({
      out: at('update.espd'),
      bytes: { old: old.length, new: next.length, update: update.length },
    });
    expect(update.length).toBeLessThan(next.length / 4);
    expect(await said('patch', at('old.esp'), at('update.espd'), '-o', at('made.esp'))).toMatchObject({
      code: 0,
      out: `${at('made.esp')}: ${next.length} bytes\n`,
    });
    expect(new Uint8Array(readFileSync(at('made.esp')))).toEqual(next);
  });

  it('inspect says which files an update is for', async () => {
    const { old: from, new: to } = JSON.parse((await said('inspect', at('update.espd'), '--json')).out);
    expect([from.fileBytes, to.fileBytes]).toEqual([old.length, next.length]);
    expect((await said('inspect', at('update.espd'))).out).toContain(`${to.sha256}…`);
  });

  it('another old file is refused, and nothing is written', async () => {
    const { code, told } = await said('patch', at('new.esp'), at('update.espd'), '-o', at('other.esp'));
    expect(code).toBe(1);
    expect(told).toContain(`the update is for a file of ${old.length} bytes`);
    expect(existsSync(at('other.esp'))).toBe(false);
    expect((await said('compress', at('update.espd'), '-o', at('c.esp'))).told).toContain('espalier patch');
    expect((await said('diff', at('none.esp'), at('new.esp'), '-o', at('d.espd'))).told).toContain(
      at('none.esp'),
    );
    expect((await said('diff', at('old.esp'), at('new.esp'), at('new.esp'), '-o', at('d.espd'))).code).toBe(
      2,
    );
  });

  it('what is no file of ours is told by its name, with what helps', async () => {
    writeFileSync(at('notes.txt'), 'nothing of ours');
    const notes = at('notes.txt');
    for (const line of [
      ['diff', notes, at('new.esp')],
      ['diff', at('old.esp'), notes],
      ['patch', at('old.esp'), notes],
    ]) {
      const { code, told } = await said(...line, '-o', at('nothing'));
      expect([code, told]).toEqual([
        1,
        expect.stringMatching(/notes\.txt: no \.espd? file\.\n {2}It is damaged, no/),
      ]);
    }
    const { told } = await said('patch', at('new.esp'), at('update.espd'), '-o', at('nothing'));
    expect(told).toContain(`${at('new.esp')}: the update is for`);
    expect(told).toContain('Give the file that the update was made for');
    expect(existsSync(at('nothing'))).toBe(false);
  });
});
