import { readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { diff, gridsOf } from '@espalier/codec/update';
import {
  type Compressed,
  type CompressedWeights,
  type CompressOptions,
  compressWeights,
} from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { checkFits, readArtifacts, readWhole } from '@espalier/formats';
import * as tf from '@tensorflow/tfjs-core';
import type { CalibrationOptions } from '../inputs/calibration.js';
import { inputValues } from '../inputs/input-values.js';
import { compressModel, type DataAccuracy, madeUp } from './compress-model.js';
import { writeWhole } from './files.js';

/** A model and how it is to be compressed, as plain data. */
export interface CompressUse {
  /** The file or folder of the model. */
  readonly model: string;
  readonly aim: Pick<CompressOptions, 'quality' | 'size' | 'bits'>;
  /** In the place of `aim`. */
  readonly accuracy?: DataAccuracy;
  readonly calibrate: string;
  readonly validate?: string;
  readonly calibration: CalibrationOptions;
  readonly peak?: number;
  /** `name=value`, each. */
  readonly inputs: readonly string[];
  /** An older file: an update to it is written beside the new one. */
  readonly update?: string;
  /** Of processor time, about; 'all': as long as it takes. Absent: counted, see `CompressOptions`. */
  readonly seconds?: number | 'all';
}

type Result = Compressed | (CompressedWeights & { readonly reason?: string });
type Told<T> = T extends unknown ? Omit<T, 'file' | 'artifacts' | 'update'> : never;

/** What has come of it; the file is written. */
export type CompressOutcome = Told<Result> & {
  readonly model: string;
  readonly out: string;
  readonly weightBytes: number;
  readonly bytes: number;
  /** Where an older file was given: the update to it. */
  readonly update?: { readonly out: string; readonly bytes: number };
};

/** The update beside a file: `model.espd` of `model.esp`. */
function updateOf(out: string): string {
  const { dir, name } = parse(out);
  return join(dir, `${name}.espd`);
}

/** Options that need a model to run. */
function refuseInputs(
  { calibrate, validate, peak, inputs, update, accuracy }: CompressUse,
  file: string,
): void {
  const option = [
    ['--calibrate', calibrate === madeUp ? undefined : calibrate],
    ['--validate', validate],
    ['--peak', peak],
    ['--input', inputs[0]],
    ['--update', update],
    ['--data', accuracy?.data],
  ].find(([, value]) => value !== undefined);
  if (option) {
    throw new EspalierError(
      'invalid-option',
      `${file} holds weights and no model to run: ${option[0]} has no use.`,
      { remedy: 'Leave it out, or give the model.' },
    );
  }
}

/**
 * Compresses a model to one aim and writes the file.
 *
 * @param start - Starts the backend, where there is a model to run.
 * @throws EspalierError as `readArtifacts`, `compress` and `calibrationOf` do, and `disk`
 */
export async function compressOnce(
  use: CompressUse,
  out: string,
  { start, log, warn }: { start: () => Promise<unknown>; log: (line: string) => void; warn: typeof log },
): Promise<CompressOutcome> {
  const { artifacts, file } = await readArtifacts(use.model, { log: warn });
  checkFits(artifacts, file);
  const alone = artifacts.modelTopology === undefined;
  if (alone) refuseInputs(use, file);
  else await start();
  const { aim, accuracy, calibrate, validate, calibration, peak, seconds } = use;
  const old = use.update === undefined ? undefined : new Uint8Array(await readWhole(use.update));
  // What is no such file is refused before any work.
  if (old) gridsOf(old);
  const inputs = await inputValues(use.inputs);
  const result: Result = alone
    ? await compressWeights(artifacts, { ...aim, log })
    : await compressModel(artifacts, {
        calibrate,
        validate,
        calibration,
        ...aim,
        ...(accuracy && { accuracy }),
        ...(peak !== undefined && { peak }),
        ...(old && { update: old }),
        inputs,
        ...(seconds !== undefined && { seconds: seconds === 'all' ? Number.POSITIVE_INFINITY : seconds }),
        log,
      }).finally(() => tf.dispose(inputs as tf.TensorContainer));
  await writeWhole(out, result.file);
  const before = file.endsWith('.esp')
    ? (await readFile(file)).length
    : (artifacts.weightData as ArrayBuffer).byteLength;
  const { file: packed, artifacts: _, ...rest } = result;
  const told = { ...rest, model: file, out, weightBytes: before, bytes: packed.length };
  if (!old) return told as CompressOutcome;
  // A model that could not be run has none yet.
  const made = 'update' in result && result.update ? result.update : diff(old, packed);
  const update = { out: updateOf(out), bytes: made.length };
  await writeWhole(update.out, made);
  return { ...told, update } as CompressOutcome;
}
