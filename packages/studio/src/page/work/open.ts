import { type ModelArtifacts, namedByPaths } from '@espalier/codec';
import { isGraph } from '@espalier/compress';
import { checkFits, readArtifacts } from '@espalier/formats';
import { mount } from '../stand-ins/disk.js';

/** A file as it was dropped, with its path in the folder that was dropped. */
export interface Dropped {
  readonly path: string;
  readonly file: Blob;
}

/** A model that has been read. */
export interface OpenModel {
  readonly artifacts: ModelArtifacts;
  /** The file that it is from, as it was dropped. */
  readonly file: string;
  readonly kind: 'layers' | 'graph' | 'weights';
  /** Bytes of all its files, or of its weights as numbers. */
  readonly bytes: number;
  /** The `.esp` file itself, where it is one. */
  readonly packed?: Uint8Array;
  readonly notes: readonly string[];
}

/** Whatever lies in all paths before a name that they share. */
function commonFolder(paths: readonly string[]): string {
  const [first = '', ...rest] = paths.map((path) => path.split('/').slice(0, -1).join('/'));
  return rest.every((folder) => folder === first || folder.startsWith(`${first}/`)) ? first : '';
}

/**
 * Reads what was dropped: by the readers of the command line, on the files as they would lie in a folder.
 *
 * @throws EspalierError as `readArtifacts`
 */
export async function openModel(dropped: readonly Dropped[]): Promise<OpenModel> {
  mount(new Map(dropped.map(({ path, file }) => [`/${path}`, file])));
  const notes: string[] = [];
  const [only] = dropped;
  const path = dropped.length === 1 ? `/${only.path}` : `/${commonFolder(dropped.map((one) => one.path))}`;
  const { artifacts: read, file } = await readArtifacts(path, { log: (line) => notes.push(line) });
  checkFits(read, file);
  const artifacts = namedByPaths(read);
  const name = file.replace(/^\//, '');
  const own = dropped.find((one) => one.path === name);
  const packed = name.endsWith('.esp') && own ? new Uint8Array(await own.file.arrayBuffer()) : undefined;
  const weights = (artifacts.weightData as ArrayBuffer | undefined)?.byteLength ?? 0;
  return {
    artifacts,
    file: name === '' ? 'the files' : name,
    kind: artifacts.modelTopology === undefined ? 'weights' : isGraph(artifacts) ? 'graph' : 'layers',
    bytes: packed?.length ?? weights,
    ...(packed && { packed }),
    notes,
  };
}
