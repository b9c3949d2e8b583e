import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { beginningOf, writeCheckpoint } from '../src/pipeline/checkpoint.js';

test('a run that goes on takes the backend and the threads that it began with', async () => {
  const out = await mkdtemp(join(tmpdir(), 'espalier-beginning-'));
  try {
    expect(await beginningOf(out)).toEqual({});
    await writeCheckpoint(out, {
      fingerprint: 'f',
      backend: 'native',
      threads: 3,
      stage: 0,
      stages: [],
      metrics: [],
      topology: {},
      run: { json: {}, arrays: {} },
      plugins: {},
    });
    expect(await beginningOf(out)).toEqual({ backend: 'native', threads: 3 });
  } finally {
    await rm(out, { recursive: true });
  }
});
