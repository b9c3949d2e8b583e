import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheRoot, withLock } from '../src/index.js';

describe('the cache directory', () => {
  it('follows the platform and XDG_CACHE_HOME', () => {
    expect(cacheRoot({ XDG_CACHE_HOME: '/x' }, 'linux')).toBe(join('/x', 'espalier'));
    expect(cacheRoot({}, 'linux')).toMatch(/\.cache.espalier$/);
    expect(cacheRoot({}, 'darwin')).toMatch(/Library.Caches.espalier$/);
    expect(cacheRoot({ LOCALAPPDATA: '/l' }, 'win32')).toBe(join('/l', 'espalier', 'Cache'));
  });

  it('is never beside the user’s files', () => {
    const own = join(userInfo().homedir, '.cache', 'espalier');
    for (const env of [
      { HOME: '' },
      { HOME: '', XDG_CACHE_HOME: '' },
      { HOME: '', XDG_CACHE_HOME: 'relative' },
    ])
      expect(cacheRoot(env, 'linux')).toBe(own);
    expect(cacheRoot({ HOME: '', LOCALAPPDATA: 'relative' }, 'win32')).toBe(own);
  });
});

describe('the lock', () => {
  let path: string;
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'espalier-host-'));
    path = join(directory, 'lock');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const aged = (holder: unknown, seconds: number): void => {
    writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder));
    const then = new Date(Date.now() - 1000 * seconds);
    utimesSync(path, then, then);
  };
  const elsewhere = { pid: process.pid, host: 'another' };
  const here = { pid: process.pid, host: hostname() };

  it('lets one in at a time and is gone afterwards', async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 30));
      inside -= 1;
    };
    await Promise.all([withLock(path, work), withLock(path, work), withLock(path, work)]);
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('is released when the work fails', async () => {
    await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });

  it('is taken over from a process that is gone, or that fell silent', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    aged({ pid, host: hostname() }, 0);
    expect(await withLock(path, async () => 'gone')).toBe('gone');
    aged(elsewhere, 150);
    expect(await withLock(path, async () => 'silent')).toBe('silent');
    aged('{"pid', 40); // Killed while it wrote.
    expect(await withLock(path, async () => 'unreadable')).toBe('unreadable');
  });

  it('is taken over where its removal was cut short', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const gone = JSON.stringify({ pid, host: hostname() });
    writeFileSync(path, gone);
    const removal = createHash('sha256').update(gone).digest('hex').slice(0, 8);
    writeFileSync(`${path}.${removal}`, JSON.stringify({ pid, host: hostname(), removing: true }));
    expect(await withLock(path, async () => 'in', { timeout: 10_000 })).toBe('in');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is taken over by one alone', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    // What once went wrong: one in a thousand rounds left a lock behind, held by nobody inside a living process.
    for (let round = 0; round < 100; round++) {
      aged({ pid, host: hostname(), round }, 0);
      let inside = 0;
      const work = async (): Promise<void> => {
        if (++inside > 1) throw new Error('two are inside');
        await new Promise((resolve) => setTimeout(resolve, 1));
        inside--;
      };
      await Promise.all(Array.from({ length: 4 }, () => withLock(path, work)));
      expect(readdirSync(directory)).toEqual([]);
    }
  }, 120_000);

  it('is not taken from a living process that is busy', async () => {
    for (const [holder, seconds] of [
      [here, 100],
      [elsewhere, 60],
    ] as const) {
      aged(holder, seconds);
      const error = await withLock(path, async () => 1, { timeout: 0 }).catch((e: Error) => e);
      expect(error).toMatchObject({ code: 'lock-timeout', holder });
      expect((error as Error).message).toContain(`delete ${path}`);
      expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(holder);
    }
  });
});
