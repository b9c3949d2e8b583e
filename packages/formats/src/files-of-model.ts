import { dirname } from 'node:path';
import { pathInside, readWhole } from './files.js';

/** What JSON names of files beside it: shards of a manifest or of an index. Whoever reads it says what else is wrong. */
function named(json: unknown): unknown[] {
  const { weightsManifest, weight_map: map } = (json ?? {}) as Record<string, unknown>;
  const groups: unknown[] = Array.isArray(weightsManifest)
    ? weightsManifest
    : Array.isArray(json)
      ? json
      : [];
  const paths = groups.flatMap((group) => (group as { paths?: unknown } | null)?.paths ?? []);
  return [...paths, ...(typeof map === 'object' && map !== null ? Object.values(map) : [])];
}

/**
 * The files that a model consists of: its own and, of a `model.json`, a weights manifest or an index of safetensors, those that it
 * names.
 *
 * @throws EspalierError `bad-model` for paths that lead out of its folder, or to nothing
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { filesOfModel } from '@espalier/formats';
 * const folder = await mkdtemp(join(tmpdir(), 'example-'));
 * await writeFile(join(folder, 'w.bin'), '');
 * await writeFile(join(folder, 'model.json'), '{"weightsManifest":[{"paths":["w.bin"]}]}');
 * const files = await filesOfModel(join(folder, 'model.json'));
 * if (files[1] !== join(folder, 'w.bin')) throw new Error(files.join());
 * ```
 */
export async function filesOfModel(file: string): Promise<string[]> {
  if (!file.endsWith('.json')) return [file];
  let json: unknown;
  try {
    json = JSON.parse((await readWhole(file)).toString());
  } catch {
    return [file];
  }
  const folder = dirname(file);
  const shards = await Promise.all([...new Set(named(json))].map((path) => pathInside(folder, path, file)));
  return [file, ...shards];
}
