import { readdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, sep } from 'node:path';

/** A run, or a search, in a folder of runs. */
export interface RunListing {
  /** Below the folder that is looked at, with slashes; '' for that folder itself. */
  readonly path: string;
  readonly kind: 'run' | 'search';
  /** `stopped`: it has no report, and nobody is at work in it. */
  readonly state: 'running' | 'stopped' | 'done';
  /** Its files that a page can show, each with what changes when it does: its time and size. */
  readonly files: Readonly<Record<string, string>>;
}

/** What a page may see of a run. */
export const shownFiles: readonly string[] = [
  'metrics.jsonl',
  'watch.jsonl',
  'live.json',
  'report.json',
  'report.html',
  'search.json',
  'search.html',
  'recipe.yaml',
];

/** How deep runs lie in folders of runs, and how many are listed. */
const [mostDepth, mostRuns] = [4, 2000];

/** Is the process that holds a run's lock alive, as far as this machine can tell? */
async function isRunning(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'lock'), 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  try {
    const { pid, host } = JSON.parse(text) as { pid: number; host: string };
    if (host !== hostname()) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function listingOf(
  folder: string,
  path: string,
  names: ReadonlySet<string>,
): Promise<RunListing | undefined> {
  const search = names.has('search.json');
  if (!search && !names.has('metrics.jsonl') && !names.has('report.json') && !names.has('lock'))
    return undefined;
  const files: Record<string, string> = {};
  for (const name of shownFiles) {
    if (!names.has(name)) continue;
    const info = await stat(join(folder, name)).catch(() => undefined);
    if (info?.isFile()) files[name] = `${info.mtimeMs}-${info.size}`;
  }
  const running = names.has('lock') && (await isRunning(folder));
  const done = !running && (search || files['report.json'] !== undefined);
  return {
    path,
    kind: search ? 'search' : 'run',
    state: running ? 'running' : done ? 'done' : 'stopped',
    files,
  };
}

/**
 * The runs and searches in a folder, which may be one itself, those of a search after it. Links are not followed.
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { runsIn } from '@espalier/studio';
 * const folder = await mkdtemp(join(tmpdir(), 'runs-'));
 * await writeFile(join(folder, 'metrics.jsonl'), '');
 * const [run] = await runsIn(folder);
 * if (run.path !== '' || run.state !== 'stopped') throw new Error(run.state);
 * ```
 */
export async function runsIn(root: string): Promise<RunListing[]> {
  const found: RunListing[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    if (found.length >= mostRuns) return;
    const folder = join(root, path);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const names = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name));
    const run = await listingOf(folder, path.split(sep).join('/'), names);
    if (run) found.push(run);
    if (depth >= mostDepth || (run && run.kind === 'run')) return;
    for (const entry of entries) {
      const hidden = entry.name.startsWith('.') || entry.name === 'node_modules';
      if (entry.isDirectory() && !hidden) await walk(join(path, entry.name), depth + 1);
    }
  };
  await walk('', 0);
  return found;
}
