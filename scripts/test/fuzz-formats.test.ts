import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../bench/fuzz-formats.mjs', import.meta.url));

it('damaged files of ten formats are read, or refused by a typed error', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [script, '--count', '120', '--seed', '11', '--seconds', '1'],
    { encoding: 'utf8' },
  );
  expect([status, stderr]).toEqual([0, '']);
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { run: number; read: number; refused: number; untyped: number });
  expect(results).toHaveLength(10);
  for (const { run, read, refused, untyped } of results) {
    expect([run, read + refused, untyped]).toEqual([120, 120, 0]);
    // Both happen: it is damage, and not rubbish.
    expect(read).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
  }
}, 120_000);
