import { dirname } from 'node:path';
import type { Report } from '@espalier/report';
import { dataPath } from '../recipe/data-schema.js';
import type { LoadedRecipe } from '../recipe/load.js';
import { located } from '../recipe/located.js';
import { finished } from './alone.js';
import { readCheckpoint } from './checkpoint.js';
import { loadData } from './data.js';
import type { MeasuredPart } from './measures.js';
import { withOwnMeasures } from './own-measures.js';
import { fingerprintOf } from './prepare.js';

/**
 * The report of a run that is done, if `out` holds one, measured on this part of the data: of this recipe and of these data, which
 * are read for it.
 *
 * @param start - Starts a backend: a source of data may compute as it is opened.
 * @throws EspalierError `bad-state` when it is of others, or its last checkpoint is damaged
 */
export async function alreadyDone(
  loaded: LoadedRecipe,
  out: string,
  measure?: MeasuredPart,
  start: () => Promise<unknown> = async () => {},
): Promise<Report | undefined> {
  const { recipe, source } = loaded;
  const report = await finished(out, recipe, measure);
  if (report === undefined) return undefined;
  await start();
  const own = await withOwnMeasures(loaded);
  const data = await located(source, dataPath(recipe), () => loadData(own, dirname(source.file), () => {}));
  await readCheckpoint(out, fingerprintOf(recipe, data.source.fingerprint));
  return report;
}
