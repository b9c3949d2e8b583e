import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foreign } from '../src/foreign.js';
import { readArtifacts } from '../src/index.js';
import { fixture, folder } from './fixtures.js';

const spinning = fixture('spinning.h5');

describe('the worker of other people’s parsers', () => {
  it('is ended when a file takes longer than it may; the next file is read by another', async () => {
    const start = performance.now();
    const error = await readArtifacts(spinning, { limits: { seconds: 0.5 } }).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('spinning.h5 is not read: reading it took more than 1 s'),
    });
    expect(performance.now() - start).toBeLessThan(20_000);
    expect((await readArtifacts(fixture('types.h5'))).artifacts.weightSpecs).toHaveLength(9);
  });

  it('is ended when a file takes more memory than it may', async () => {
    const slow = foreign('hdf5', new Uint8Array(readFileSync(spinning)), { memory: -1e12 });
    await expect(slow).rejects.toMatchObject({ code: 'too-much', message: expect.stringContaining('MiB') });
    expect((await readArtifacts(fixture('types.h5'))).artifacts.weightSpecs).toHaveLength(9);
  });

  it('reads files that are given at once one after the other, each to its own answer', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'no.h5'), readFileSync(fixture('types.h5')).subarray(0, 900));
    const all = await Promise.allSettled([
      readArtifacts(fixture('types.h5')),
      readArtifacts(join(dir, 'no.h5')),
      readArtifacts(fixture('graph.keras')),
      readArtifacts(fixture('external-link.h5')),
      readArtifacts(fixture('types.h5')),
    ]);
    expect(all.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });
});
