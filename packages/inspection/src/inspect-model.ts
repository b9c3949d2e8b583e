import { readFile } from 'node:fs/promises';
import { checkFits, type ReadOptions, readArtifacts } from '@espalier/formats';
import { type Inspected, type InspectOptions, inspectArtifacts } from './inspect-artifacts.js';

/** A model that has been read and looked at. */
export interface InspectedFile extends Inspected {
  /** What was read, where a folder was given. */
  readonly path: string;
}

/**
 * Looks at a model on disk: what its tensors hold, what they take, and what they would take in other forms.
 *
 * @param path - A `model.json`, its folder, an `.esp` file, or whatever else `readArtifacts` of `@espalier/formats` reads.
 * @param options - The name is the path if none is given.
 * @throws EspalierError `bad-model`; EspError of the codec for a damaged `.esp`
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { writeNpy } from '@espalier/formats';
 * import { inspectModel } from '@espalier/inspection';
 * import { inspectionTable } from '@espalier/report';
 *
 * const file = join(await mkdtemp(join(tmpdir(), 'arrays-')), 'kernel.npy');
 * await writeFile(file, writeNpy([2, 2], Float32Array.of(0, 0, 0.5, -1)));
 * const { inspection } = await inspectModel(file, { costs: false });
 * if (!inspectionTable(inspection).includes('kernel')) throw new Error('no such row');
 * ```
 */
export async function inspectModel(
  path: string,
  { name = path, costs, ...reading }: ReadOptions & Partial<Pick<InspectOptions, 'name' | 'costs'>> = {},
): Promise<InspectedFile> {
  const { artifacts, file } = await readArtifacts(path, reading);
  checkFits(artifacts, file);
  const inspected = await inspectArtifacts(artifacts, {
    name,
    ...(costs !== undefined && { costs }),
    ...(file.endsWith('.esp') && { packed: new Uint8Array(await readFile(file)) }),
  });
  return { ...inspected, path: file };
}
