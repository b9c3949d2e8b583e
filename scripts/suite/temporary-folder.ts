import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const name = 'espalier-tests-';

/** All that tests and the programs they start leave in the temporary folder goes with the run: it has one of its own. */
export default function setup(): (() => void) | undefined {
  // Vitest asks once for each project.
  if (tmpdir().includes(name)) return;
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), name));
  // A database's server runs as a user of its own.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  return () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
}
