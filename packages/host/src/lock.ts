import { createHash } from 'node:crypto';
import { open, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { readRegular } from './regular.js';

const HEARTBEAT_MS = 5_000;
/** Silence after which a lock is taken over: of a file that says nothing, of another machine, of a living process. */
const SILENT_MS = { unreadable: 30_000, elsewhere: 120_000, alive: 3_600_000 } as const;

/** When to give up, and whom to tell. */
export interface LockOptions {
  /** Milliseconds to wait for another holder. Default 30 minutes; 0 does not wait. */
  readonly timeout?: number;
  /** Called once when somebody else holds the lock. */
  readonly onWait?: () => void;
}

/** Somebody else holds the lock. */
export class LockError extends Error {
  override readonly name: string = 'LockError';
  readonly code: 'lock-timeout' = 'lock-timeout';
  readonly remedy: string;
  /** The process that holds it, where that is known, and whether it is of this machine. */
  readonly holder: { readonly pid: number; readonly host: string } | undefined;

  constructor(path: string, holder: LockError['holder']) {
    const remedy = `Wait for it or end it; if there is no such process, delete ${path}.`;
    const who = holder === undefined ? 'Another process' : `Process ${holder.pid} of ${holder.host}`;
    super(`${who} holds ${path}.\n  ${remedy}`);
    this.remedy = remedy;
    this.holder = holder;
  }
}

/**
 * Runs `work` while holding the lock file `path`. The holder touches the file every 5 s; a lock left by a process
 * that is gone is taken over, at once if it was of this machine.
 *
 * @throws LockError when the lock is held for longer than `timeout`; what `work` throws
 *
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { withLock } from '@espalier/host';
 * const path = join(mkdtempSync(join(tmpdir(), 'lock-')), 'lock');
 * const outcome = await withLock(path, () =>
 *   withLock(path, async () => 'inside', { timeout: 0 }).catch((error: Error) => error.name),
 * );
 * if (outcome !== 'LockError') throw new Error(outcome);
 * ```
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const deadline = Date.now() + (options.timeout ?? 1_800_000);
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), nonce: Math.random() });
  for (let waited = false, pause = 5; ; pause = Math.min(2 * pause, 200)) {
    if (await create(path, mine)) break;
    const held = await read(path);
    if (held === undefined) continue; // Gone: try again.
    if (await removeStale(path, held)) continue;
    if (!waited) options.onWait?.();
    waited = true;
    if (Date.now() >= deadline) throw new LockError(path, holderOf(held));
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    // Only our own lock is removed: it may have been taken over while this process was suspended.
    if ((await read(path)) === mine) await rm(path, { force: true });
  }
}

/** What is in a lock: undefined where there is none, '' where it says nothing, such as a folder or a pipe. */
async function read(path: string): Promise<string | undefined> {
  try {
    return (await readRegular(path)).toString();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
  }
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(content);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(held: string): LockError['holder'] {
  try {
    const { pid, host } = JSON.parse(held) as Record<string, unknown>;
    return Number.isInteger(pid) && typeof host === 'string' ? { pid: pid as number, host } : undefined;
  } catch {
    return undefined;
  }
}

async function isStale(path: string, held: string): Promise<boolean> {
  const holder = holderOf(held);
  const mine = holder?.host === hostname();
  if (holder !== undefined && mine && !isAlive(holder.pid)) return true;
  const limit = SILENT_MS[holder === undefined ? 'unreadable' : mine ? 'alive' : 'elsewhere'];
  const made = await stat(path).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs > limit;
}

/**
 * Removes a lock that is `held` by nobody, if it still is, and tells whether it did. Reading and removing are two steps
 * between which another process might remove it and take the lock; so who removes holds a lock that is named for
 * this holder. That lock can itself be left behind by a process that is gone, and is then removed by the same rule.
 */
async function removeStale(path: string, held: string): Promise<boolean> {
  if (!(await isStale(path, held))) return false;
  const holder = createHash('sha256').update(held).digest('hex').slice(0, 8);
  const remove = async (): Promise<boolean> => {
    const now = await read(path);
    if (now !== held || !(await isStale(path, held))) return true; // Somebody has removed it.
    return rm(path, { force: true }).then(
      () => true,
      () => false, // A folder, or nobody may: whoever is to take the lock is told.
    );
  };
  return withLock(`${path}.${holder}`, remove, { timeout: 0 }).catch((error: unknown) => {
    if (error instanceof LockError) return false; // Somebody is removing it: wait as for any other.
    throw error;
  });
}

/**
 * Whether a process of this machine still runs.
 *
 * @example
 * ```ts
 * import { isAlive } from '@espalier/host';
 * if (!isAlive(process.pid)) throw new Error('unexpected');
 * ```
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
