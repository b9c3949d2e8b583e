import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { BackendError } from '../error.js';

/** A lock nobody has touched for this long belongs to a process that died. */
const STALE_MS = 30_000;
const HEARTBEAT_MS = 5_000;

/** When to give up, and how often to look. */
export interface LockOptions {
  /** Milliseconds to wait for another holder. Default 30 minutes. */
  readonly timeout?: number;
  /** Called once when somebody else holds the lock. */
  readonly onWait?: () => void;
}

/**
 * Runs `work` while holding the lock file `path`, so that two set-ups do not download the same library.
 * The holder touches the file every 5 s; a lock left by a process that is gone (same host) or silent for 30 s
 * is taken over. Two takers-over may in theory both win: that costs a second download and nothing else, since
 * results are renamed into place whole.
 *
 * @throws BackendError `lock-timeout`
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const deadline = Date.now() + (options.timeout ?? 1_800_000);
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), nonce: Math.random() });
  for (let waited = false; ; ) {
    if (await create(path, mine)) break;
    if (await isStale(path)) {
      const aside = `${path}.${process.pid}.${Date.now()}`;
      await rename(path, aside).catch(() => undefined);
      await rm(aside, { force: true });
      continue;
    }
    if (!waited) options.onWait?.();
    waited = true;
    if (Date.now() > deadline) {
      throw new BackendError(
        'lock-timeout',
        `another process has held ${path} for too long`,
        'End it, or delete that file.',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
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
    if ((await readFile(path, 'utf8').catch(() => '')) === mine) await rm(path, { force: true });
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

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > STALE_MS) return true;
    const holder = JSON.parse(await readFile(path, 'utf8')) as { pid: number; host: string };
    return holder.host === hostname() && !isAlive(holder.pid);
  } catch {
    return false; // Gone, or just being written: look again.
  }
}

/** Whether a process of this host still runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
