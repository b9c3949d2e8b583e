/**
 * What an update takes: `diff` of two .esp files beside bsdiff, xdelta3 and zstd --patch-from of the same two (where they are
 * installed), and of the weights as they decode, uncompressed. Prints JSON, with CPU seconds of diff and patch.
 *
 *   node bench/fine-tune.mjs 400 1e-5 99 FOLDER     makes old.esp and new.esp
 *   node bench/updates.mjs old.esp new.esp [old.esp new.esp …]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from '@espalier/codec';
import { diff, patch } from '@espalier/codec/update';

const folder = mkdtempSync(join(tmpdir(), 'updates-'));
const out = join(folder, 'out');
const programs = {
  bsdiff: (a, b) => ['bsdiff', a, b, out],
  xdelta3: (a, b) => ['xdelta3', '-9', '-f', '-e', '-s', a, b, out],
  zstd: (a, b) => ['zstd', '-q', '-f', '--ultra', '-22', '--long=27', `--patch-from=${a}`, b, '-o', out],
};

/** Bytes that each program takes from one file to the other. */
function others(a, b) {
  return Object.fromEntries(
    Object.entries(programs).map(([name, command]) => {
      const [program, ...args] = command(a, b);
      const { status } = spawnSync(program, args);
      return [name, status === 0 ? statSync(out).size : null];
    }),
  );
}

function timed(run) {
  const start = process.cpuUsage();
  const made = run();
  const { user, system } = process.cpuUsage(start);
  return [made, Math.round((user + system) / 1e4) / 100];
}

const files = process.argv.slice(2);
for (let i = 0; i + 1 < files.length; i += 2) {
  const [old, next] = [readFileSync(files[i]), readFileSync(files[i + 1])];
  const [update, diffSeconds] = timed(() => diff(old, next));
  const [made, patchSeconds] = timed(() => patch(old, update));
  if (!next.equals(made)) throw new Error('another file');
  const plain = [old, next].map((file, k) => {
    const path = join(folder, `weights-${k}`);
    writeFileSync(path, new Uint8Array(decode(file).weightData));
    return path;
  });
  const row = {
    old: files[i],
    new: files[i + 1],
    bytes: next.length,
    update: update.length,
    ...others(files[i], files[i + 1]),
    weights: { bytes: statSync(plain[1]).size, ...others(...plain) },
    diffSeconds,
    patchSeconds,
  };
  process.stdout.write(`${JSON.stringify(row)}\n`);
}
rmSync(folder, { recursive: true });
