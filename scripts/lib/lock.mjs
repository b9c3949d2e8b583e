import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, say } from './run.mjs';

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs `work` while no other set-up of this clone is at work; one that was killed does not count. */
export async function withLock(work) {
  mkdirSync(join(root, '.tools'), { recursive: true });
  const path = join(root, '.tools', 'bootstrap.lock');
  let told = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    let owner = Number.NaN;
    try {
      owner = Number(readFileSync(path, 'utf8'));
    } catch {
      continue; // It went away between the two looks.
    }
    if (owner > 0 && !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say(`another set-up is at work here (process ${owner}); waiting for it`);
    told = true;
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
