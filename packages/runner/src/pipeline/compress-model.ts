import {
  type Compressed,
  type CompressOptions,
  compress,
  load,
  type ModelArtifacts,
} from '@espalier/compress';
import * as tf from '@tensorflow/tfjs-core';
import { type CalibrationOptions, calibrationOf } from '../inputs/calibration.js';

/** Where inputs come from, and all that `compress` takes beside them. */
export interface CompressModelOptions extends Omit<CompressOptions, 'calibration' | 'validation'> {
  /** As `calibrationOf` takes it. */
  readonly calibrate: string;
  /** Default: a part of `calibrate`. */
  readonly validate: string | undefined;
  readonly calibration: CalibrationOptions;
}

/** Compresses a model with inputs that are made up or read from files. @throws as `compress` and `calibrationOf` */
export async function compressModel(
  artifacts: ModelArtifacts,
  { calibrate, validate, calibration: how, ...options }: CompressModelOptions,
): Promise<Compressed> {
  const examples = async (source: string, seed: number): Promise<tf.Tensor[]> => {
    const model = await load(artifacts);
    try {
      return [...(await calibrationOf(source, model.inputs, { ...how, seed }))];
    } finally {
      model.dispose();
    }
  };
  const calibration = await examples(calibrate, how.seed);
  const validation = validate === undefined ? undefined : await examples(validate, how.seed + 1);
  try {
    return await compress(artifacts, { ...options, calibration, ...(validation && { validation }) });
  } finally {
    tf.dispose([calibration, validation ?? []]);
  }
}
