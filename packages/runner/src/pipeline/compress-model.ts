import {
  type Compressed,
  type CompressedWeights,
  type CompressOptions,
  compress,
  compressWeights,
  type ExampleSource,
  type LabelledSource,
  type ModelArtifacts,
} from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { type CalibrationOptions, calibrationOf } from '../inputs/calibration.js';
import { examplesOfData, labelledOfData } from '../inputs/examples-of-data.js';

/** Where inputs come from, and all that `compress` takes beside them. */
export interface CompressModelOptions
  extends Omit<CompressOptions, 'calibration' | 'validation' | 'accuracy'> {
  /** As `calibrationOf` takes it. */
  readonly calibrate: string;
  /** Default: a part of `calibrate`. */
  readonly validate: string | undefined;
  readonly calibration: CalibrationOptions;
  /** Most points of accuracy lost on data whose training part then calibrates, where nothing else is said. */
  readonly accuracy?: DataAccuracy;
}

/** An accuracy to keep to on data as `--data` names them. */
export interface DataAccuracy {
  readonly data: string;
  readonly points: number;
}

/** Examples that calibrate at least: more than are made up, for there are more. */
const leastCalibrating = 256;

/** Most examples that are counted, of each part. */
const mostLabelled = 4096;

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
  { calibrate, validate, calibration: how, accuracy, ...options }: CompressModelOptions,
): Promise<Compressed | (CompressedWeights & { readonly reason: string })> {
  const from =
    (source: string, seed: number, part: 'train' | 'validation'): ExampleSource =>
    (inputs) =>
      calibrationOf(source, inputs, { ...how, seed, part });
  const calibrated = (): Pick<CompressOptions, 'calibration' | 'sample'> => {
    if (calibrate !== madeUp) return { calibration: from(calibrate, how.seed, 'train') };
    if (!accuracy) return { sample: how };
    const { seed } = how;
    const count = Math.max(leastCalibrating, how.count);
    return {
      calibration: (inputs) => examplesOfData(accuracy.data, inputs, { count, seed, part: 'train' }),
    };
  };
  const labelled =
    ({ data }: DataAccuracy, part: 'validation' | 'test'): LabelledSource =>
    (inputs) =>
      labelledOfData(data, inputs, { count: mostLabelled, seed: how.seed, part });
  try {
    return await compress(artifacts, {
      ...options,
      ...calibrated(),
      ...(accuracy && {
        accuracy: {
          points: accuracy.points,
          examples: labelled(accuracy, 'validation'),
          apart: labelled(accuracy, 'test'),
        },
      }),
      ...(validate !== undefined && { validation: from(validate, how.seed + 1, 'validation') }),
    });
  } catch (error) {
    const fails =
      error instanceof EspalierError && error.code === 'cannot-run' && calibrate === madeUp && !accuracy;
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
