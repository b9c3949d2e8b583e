import {
  type Compressed,
  type CompressedWeights,
  type CompressOptions,
  compress,
  compressWeights,
  type ExampleSource,
  type ModelArtifacts,
} from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { type CalibrationOptions, calibrationOf } from '../inputs/calibration.js';

/** Where inputs come from, and all that `compress` takes beside them. */
export interface CompressModelOptions extends Omit<CompressOptions, 'calibration' | 'validation'> {
  /** As `calibrationOf` takes it. */
  readonly calibrate: string;
  /** Default: a part of `calibrate`. */
  readonly validate: string | undefined;
  readonly calibration: CalibrationOptions;
}

/** Photographs of ours and made-up inputs. */
export const madeUp = 'sample';

/**
 * Compresses a model with inputs that are made up or read from files. A model that cannot be run on what is made up has its
 * weights compressed by themselves.
 *
 * @throws as `compress` and `calibrationOf`
 */
export async function compressModel(
  artifacts: ModelArtifacts,
  { calibrate, validate, calibration: how, ...options }: CompressModelOptions,
): Promise<Compressed | (CompressedWeights & { readonly reason: string })> {
  const from =
    (source: string, seed: number, part: 'train' | 'validation'): ExampleSource =>
    (inputs) =>
      calibrationOf(source, inputs, { ...how, seed, part });
  try {
    return await compress(artifacts, {
      ...options,
      ...(calibrate === madeUp ? { sample: how } : { calibration: from(calibrate, how.seed, 'train') }),
      ...(validate !== undefined && { validation: from(validate, how.seed + 1, 'validation') }),
    });
  } catch (error) {
    const fails = error instanceof EspalierError && error.code === 'cannot-run' && calibrate === madeUp;
    if (!fails) throw error;
    const [reason] = error.message.split('\n');
    options.log?.(`${reason} Its weights are compressed by themselves.`);
    const { quality, size, bits, effort, log } = options;
    const given = Object.entries({ quality, size, bits, effort, log }).filter(
      ([, value]) => value !== undefined,
    );
    return { ...(await compressWeights(artifacts, Object.fromEntries(given))), reason };
  }
}
