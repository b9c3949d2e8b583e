import { existsSync } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import type { ProbeResult } from './probe.js';

/** What is written beside an addon that has computed a right product. */
interface Marker {
  readonly size: number;
  readonly mtime: number;
  readonly found: ProbeResult;
  /** Files that it needs beside itself, absolute. */
  readonly needs: readonly string[];
}

/** Whether this very file (size and time) was verified before, and what it needs is still there. */
export async function isVerified(addon: string): Promise<boolean> {
  try {
    const marker = JSON.parse(await readFile(`${addon}.json`, 'utf8')) as Marker;
    const { size, mtimeMs } = await stat(addon);
    return marker.size === size && marker.mtime === mtimeMs && marker.needs.every((f) => existsSync(f));
  } catch {
    return false;
  }
}

/** What the probe found when this addon was verified. */
export async function readMarker(addon: string): Promise<ProbeResult> {
  return (JSON.parse(await readFile(`${addon}.json`, 'utf8')) as Marker).found;
}

/** Remembers that an addon works. */
export async function markVerified(
  addon: string,
  found: ProbeResult,
  needs: readonly string[] = [],
): Promise<void> {
  const { size, mtimeMs } = await stat(addon);
  const marker: Marker = { size, mtime: mtimeMs, found, needs };
  await writeFile(`${addon}.json.${process.pid}`, JSON.stringify(marker));
  await rename(`${addon}.json.${process.pid}`, `${addon}.json`);
}
