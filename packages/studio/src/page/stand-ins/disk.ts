/**
 * Node's file system, as far as readers of models ask for it: the files that a person has dropped, in memory, below one
 * folder. What is not among them is not there.
 */
interface Info {
  readonly size: number;
  isDirectory(): boolean;
  isFile(): boolean;
}

let files: ReadonlyMap<string, Blob> = new Map();

/** From now on these are all files that there are, by their paths: `/model/weights.bin`. */
export function mount(dropped: ReadonlyMap<string, Blob>): void {
  files = dropped;
}

export const constants: Readonly<Record<string, number>> = { O_RDONLY: 0 };

function missing(path: string): Error {
  return Object.assign(new Error(`There is no ${path}.`), { code: 'ENOENT' });
}

const plain = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') : path);

const isFolder = (path: string): boolean => {
  const start = path === '/' ? path : `${path}/`;
  for (const name of files.keys()) if (name.startsWith(start)) return true;
  return false;
};

export async function stat(path: string): Promise<Info> {
  const at = plain(path);
  const file = files.get(at);
  if (!file && !isFolder(at)) throw missing(path);
  return { size: file?.size ?? 0, isDirectory: () => !file, isFile: () => file !== undefined };
}

/** There are no links. */
export async function lstat(path: string): Promise<Info> {
  return stat(path);
}

export async function realpath(path: string): Promise<string> {
  await stat(path);
  return plain(path);
}

/** Node's, with `Buffer`'s place taken by the bytes themselves. */
export async function readFile(path: string): Promise<Uint8Array> {
  const file = files.get(plain(path));
  if (!file) throw missing(path);
  return new Uint8Array(await file.arrayBuffer());
}

export async function open(path: string): Promise<{
  stat(): Promise<Info>;
  readFile(): Promise<Uint8Array>;
  close(): Promise<void>;
}> {
  await stat(path);
  return { stat: () => stat(path), readFile: () => readFile(path), close: async () => {} };
}

export async function readdir(path: string, options: { recursive?: boolean } = {}): Promise<string[]> {
  const start = path === '/' ? path : `${plain(path)}/`;
  const names = new Set<string>();
  for (const name of files.keys()) {
    if (!name.startsWith(start)) continue;
    const rest = name.slice(start.length);
    names.add(options.recursive ? rest : rest.split('/')[0]);
  }
  return [...names];
}
