import { getFromElsewhere } from './elsewhere.js';
import type { Dropped } from './work/open.js';

interface Entry {
  readonly isFile: boolean;
  readonly fullPath: string;
  file(done: (file: File) => void, fail: (error: Error) => void): void;
  createReader(): { readEntries(done: (entries: Entry[]) => void, fail: (error: Error) => void): void };
}

async function walk(entry: Entry): Promise<Dropped[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((done, fail) => entry.file(done, fail));
    return [{ path: entry.fullPath.replace(/^\//, ''), file }];
  }
  const reader = entry.createReader();
  const found: Dropped[] = [];
  // A reader gives a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise<Entry[]>((done, fail) => reader.readEntries(done, fail));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...(await walk(inner)));
  }
}

/** Files and folders out of a drop. */
export async function droppedFiles(transfer: DataTransfer): Promise<Dropped[]> {
  const entries = [...transfer.items].flatMap((item) => (item.webkitGetAsEntry() as Entry | null) ?? []);
  if (entries.length > 0) return (await Promise.all(entries.map(walk))).flat();
  return chosenFiles(transfer.files);
}

/** Files that were chosen in a dialog. */
export function chosenFiles(files: Iterable<File>): Dropped[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** A path as a page would ask for it below a folder; never one that leads out of it. */
const inside = (path: unknown): path is string =>
  typeof path === 'string' && !/^([a-z][a-z0-9+.-]*:|\/)/i.test(path) && !path.split('/').includes('..');

/** A model by its address, with the files that a model.json names beside it. */
export async function fetchedFiles(address: string): Promise<Dropped[]> {
  const url = new URL(address, location.href);
  if (!/^https?:$/.test(url.protocol))
    throw new Error(`${url.protocol} is no way to fetch a model: give http or https.`);
  const name = decodeURIComponent(url.pathname.split('/').at(-1) || 'model.json');
  const first = await get(url);
  const found: Dropped[] = [{ path: name, file: first }];
  if (!name.endsWith('.json')) return found;
  const json = JSON.parse(await first.text()) as Record<string, unknown>;
  const groups = (Array.isArray(json) ? json : json.weightsManifest) as { paths?: unknown[] }[] | undefined;
  const named = [
    ...(groups ?? []).flatMap(({ paths = [] }) => paths),
    ...new Set(Object.values((json.weight_map as Record<string, unknown> | undefined) ?? {})),
  ];
  for (const path of named.filter(inside)) found.push({ path, file: await get(new URL(path, url)) });
  return found;
}

const get = async (url: URL): Promise<Blob> => {
  if (url.origin !== location.origin) return getFromElsewhere(url.href);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href} gave ${response.status}.`);
  return response.blob();
};
