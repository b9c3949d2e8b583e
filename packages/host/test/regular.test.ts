import { spawnSync } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NotRegularError, readRegular, withLock } from '../src/index.js';

const posix = process.platform !== 'win32';
const folder = (): string => mkdtempSync(join(tmpdir(), 'host-'));
const pipe = (file: string): string => {
  expect(spawnSync('mkfifo', [file]).status).toBe(0);
  return file;
};

it('reads files, also by a link, and tells a folder and what is not there apart', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'a'), 'text');
  symlinkSync('a', join(dir, 'link'));
  expect((await readRegular(join(dir, 'link'))).toString()).toBe('text');
  await expect(readRegular(dir)).rejects.toThrow(`${dir} is a folder.`);
  await expect(readRegular(dir)).rejects.toThrow(NotRegularError);
  await expect(readRegular(join(dir, 'b'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it.runIf(posix)('does not wait for pipes, and does not read devices', async () => {
  const dir = folder();
  for (const file of [pipe(join(dir, 'pipe')), '/dev/zero', '/dev/null']) {
    await expect(readRegular(file)).rejects.toThrow(`${file} is no regular file.`);
  }
});

it.runIf(posix)('a pipe or a folder in the place of a lock is somebody’s lock', async () => {
  const dir = folder();
  const locks = [pipe(join(dir, 'lock')), dir];
  for (const lock of locks) {
    const taken = withLock(lock, async () => 'work', { timeout: 0 });
    await expect(taken).rejects.toMatchObject({ name: 'LockError', holder: undefined });
  }
});
