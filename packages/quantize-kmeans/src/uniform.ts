import {
  checkOneOf,
  checkOptions,
  EspalierError,
  type Of,
  type Parameter,
  type PerParameter,
  type QuantizedTensor,
  type Quantizer,
  type RunState,
} from '@espalier/core';
import { compact } from './quantized-tensor.js';
import { settingsOf } from './settings.js';

/** Options of `uniform`: `bits` or `step`. */
export interface UniformOptions {
  /** 2 to 16: up to 2^bits - 1 levels, as many below zero as above. One number, or one per name, glob or parameter. */
  readonly bits?: PerParameter<number>;
  /** Distance of neighbouring levels, > 0. One number, or one per name, glob or parameter. */
  readonly step?: PerParameter<number>;
  /**
   * With `bits`: `mse` (default) chooses the step of least squared error, clipping a few large weights where
   * that pays; `max` lets the last level be the greatest magnitude, so that no weight moves by more than half
   * a step.
   */
  readonly range?: 'mse' | 'max';
}

/**
 * Uniform quantisation: every weight becomes the nearest multiple of a step, one step for each tensor. Zero is
 * a level and stays exactly zero in fine-tuning, which moves the other values off the grid, each by itself.
 *
 * Tensors that are shared already are left as they are.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`, `not-finite`
 *
 * @example
 * ```ts
 * import { uniformLevels } from '@espalier/quantize-kmeans';
 * const { codebook, indices } = uniformLevels(Float32Array.of(0, 0.9, -2.1, 0.2), 1);
 * if (codebook.join() !== '-2,0,1' || indices.join() !== '1,2,0,1') throw new Error(codebook.join());
 * ```
 */
export function uniform(options: UniformOptions): Quantizer {
  checkOptions('uniform', options, ['bits', 'step', 'range']);
  const { bits, step, range = 'mse' } = options;
  if ((bits === undefined) === (step === undefined)) {
    throw new EspalierError('invalid-option', 'uniform: give bits or step, one of them.');
  }
  checkOneOf('uniform', 'range', range, ['mse', 'max']);
  if (step !== undefined && options.range !== undefined) {
    throw new EspalierError('invalid-option', 'uniform: range says nothing beside step.', {
      remedy: 'Leave it out.',
    });
  }
  const [option, setting] = bits === undefined ? (['step', step] as const) : (['bits', bits] as const);
  const check = (value: number, where: string): void => {
    const good =
      option === 'bits'
        ? Number.isInteger(value) && value >= 2 && value <= 16
        : value > 0 && value < Infinity;
    if (good) return;
    throw new EspalierError('invalid-option', `uniform: ${where} is ${String(value)}.`, {
      remedy: option === 'bits' ? 'Give a whole number from 2 to 16.' : 'Give a number > 0.',
    });
  };
  if (typeof setting === 'number') check(setting, option);
  const settingsFor = (of: Of): Map<string, number> =>
    settingsOf('uniform', option, setting as PerParameter<number>, of, check);
  return {
    name: 'uniform',
    kinds: ['quantizer'],
    check: (_, of) => void settingsFor(of),
    start(run, of) {
      const settings = settingsFor(of);
      return { quantize: () => quantize(run, of, settings) };
    },
  };

  async function quantize(
    run: RunState,
    of: Of,
    settings: ReadonlyMap<string, number>,
  ): Promise<Map<Parameter, QuantizedTensor>> {
    const tensors = new Map<Parameter, QuantizedTensor>();
    for (const p of of) {
      if (run.shared(p) !== undefined) continue;
      const values = (await p.variable.data()) as Float32Array;
      const own = settings.get(p.name) as number;
      const most = option === 'bits' ? 2 ** (own - 1) - 1 : 32767;
      tensors.set(p, uniformLevels(values, option === 'bits' ? stepFor(values, most, range) : own, most));
    }
    return tensors;
  }
}

/**
 * The nearest multiple of `step`, up to `most` of them on either side of zero, for every value. The codebook
 * holds the multiples that occur.
 *
 * @param step - > 0; rounded to float32, so that a coder can find the grid again.
 * @param most - 1 to 32,767 (default).
 * @throws EspalierError `invalid-option`, `not-finite`
 */
export function uniformLevels(values: Float32Array, step: number, most = 32767): QuantizedTensor {
  const width = Math.fround(step);
  if (!(width > 0 && width < Number.POSITIVE_INFINITY)) {
    throw new EspalierError('invalid-option', `uniformLevels: step is ${step}.`, {
      remedy: 'Give a number > 0.',
    });
  }
  if (!(Number.isInteger(most) && most >= 1 && most <= 32767)) {
    throw new EspalierError('invalid-option', `uniformLevels: most is ${most}.`, {
      remedy: 'Give 1 to 32767.',
    });
  }
  const peak = Math.min(most, Math.round(greatest(values) / width));
  const codebook = Float32Array.from({ length: 2 * peak + 1 }, (_, i) => (i - peak) * width);
  const indices = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    indices[i] = Math.max(-peak, Math.min(peak, Math.round(values[i] / width))) + peak;
  }
  return compact(codebook, indices, true);
}

/** @throws EspalierError `not-finite` */
function greatest(values: Float32Array): number {
  let peak = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]);
    if (!(magnitude < Number.POSITIVE_INFINITY)) {
      throw new EspalierError('not-finite', `Value ${i} is ${values[i]}.`, {
        remedy: 'Quantise finite weights only: lower the learning rate, or restore an earlier checkpoint.',
      });
    }
    peak = Math.max(peak, magnitude);
  }
  return peak;
}

/** Values that the search for a step looks at, about. */
const sampleSize = 2 ** 18;
/** Steps tried: parts of the one that clips nothing. */
const trials = 64;

function stepFor(values: Float32Array, most: number, range: 'mse' | 'max'): number {
  const widest = greatest(values) / most || 1;
  if (range === 'max') return widest;
  const stride = Math.ceil(values.length / sampleSize);
  let best = Number.POSITIVE_INFINITY;
  let bestStep = widest;
  for (let trial = trials; trial >= 1; trial--) {
    const step = (widest * trial) / trials;
    let error = 0;
    for (let i = 0; i < values.length && error < best; i += stride) {
      const d = values[i] - step * Math.max(-most, Math.min(most, Math.round(values[i] / step)));
      error += d * d;
    }
    if (error < best) {
      best = error;
      bestStep = step;
    }
  }
  return bestStep;
}
