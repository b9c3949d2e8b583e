import {
  checkOptions,
  checkRange,
  EspalierError,
  type Of,
  type Parameter,
  type QuantizedTensor,
  type Quantizer,
} from '@espalier/core';
import { bestLevels } from './best-step.js';
import { chooseLevels, type Levels, type Signal } from './choose-levels.js';
import { checkImportance, checkTrained, type Importance, importanceSource } from './importance.js';
import { compact } from './quantized-tensor.js';
import { matrixShape } from './rate-model.js';

/** Options of `rateDistortion`. */
export interface RateDistortionOptions {
  /**
   * The exchange rate, > 0: which part of the mean energy of a weight that is not zero one saved bit is worth,
   * energy being importance x weight^2. Default 0.005:
   * after fine-tuning it cost LeNet-300-100 no accuracy, where 0.02 cost 0.4 points for a third less bytes.
   */
  readonly lambda?: number;
  /** Instead of `lambda`: the estimated size of all tensors of the schedule together, in bytes. */
  readonly bytes?: number;
  /** Distance of neighbouring levels. Default: for each tensor the one that serves best. */
  readonly step?: number;
  /**
   * How much errors matter. Default `'fisher'`: from the gradients of the training epochs before. `'posterior'`:
   * by the variance that a Bayesian stage has learned. `'none'`: from the weights alone, each tensor by its own
   * energy.
   */
  readonly importance?: Importance;
  /**
   * Each level at the mean of its weights (default; 4 bytes a level, and what fine-tuning starts from), or at
   * a multiple of the step.
   */
  readonly reconstruction?: 'centroid' | 'uniform';
}

const names = ['lambda', 'bytes', 'step', 'importance', 'reconstruction'];

/**
 * Rate-distortion quantisation: chooses, for all tensors together, the values whose error weighted by
 * importance plus lambda times their size in the file is least. What saves more than it costs becomes zero,
 * the rest a few levels; a tensor that matters more gets finer ones.
 *
 * With importance `'fisher'` bind it to a training stage: it watches the gradients from its first firing to
 * its second, then quantises, once; later epochs fine-tune the shared values.
 *
 * The size is estimated: levels by their frequency, zeros by the density of rows and columns.
 *
 * Sources: entropy-constrained scalar quantisation, Chou, Lookabaugh and Gray (1989), "Entropy-constrained
 * vector quantization"; importance, LeCun, Denker and Solla (1990), "Optimal brain damage", and Choi,
 * El-Khamy and Lee (2017), "Towards the limit of network quantization".
 *
 * @throws EspalierError `unknown-option`, `invalid-option` (also when a size or lambda leaves no weight but zeros),
 * `invalid-schedule` (no gradients to be had)
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { rateDistortion } from '@espalier/quantize-kmeans';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 50, inputShape: [40], useBias: false })] });
 * const run = new Run(model);
 * await run.quantize(rateDistortion({ lambda: 0.1, importance: 'none' }));
 * const { nonzero, parameters } = await run.counts();
 * const values = new Set(model.getWeights()[0].dataSync()).size;
 * if (nonzero >= parameters || values > 16) throw new Error(`${nonzero} weights, ${values} values`);
 * ```
 */
export function rateDistortion(options: RateDistortionOptions = {}): Quantizer {
  checkOptions('rateDistortion', options, names);
  const { lambda = 0.005, bytes, step, importance = 'fisher', reconstruction = 'centroid' } = options;
  checkRange('rateDistortion', 'lambda', lambda, Number.MIN_VALUE, Number.MAX_VALUE);
  if (bytes !== undefined) checkRange('rateDistortion', 'bytes', bytes, 1, Number.MAX_SAFE_INTEGER);
  if (bytes !== undefined && options.lambda !== undefined) {
    throw new EspalierError('invalid-option', 'rateDistortion: lambda and bytes are both given.', {
      remedy: 'Give one of them: the size follows from lambda, or lambda from the size.',
    });
  }
  if (step !== undefined) checkRange('rateDistortion', 'step', step, Number.MIN_VALUE, Number.MAX_VALUE);
  if (reconstruction !== 'centroid' && reconstruction !== 'uniform') {
    throw new EspalierError(
      'invalid-option',
      `rateDistortion: reconstruction is ${String(reconstruction)}.`,
      {
        remedy: "Give 'centroid' or 'uniform'.",
      },
    );
  }
  checkImportance('rateDistortion', importance);

  const choose = (signals: readonly Signal[], exchange: number): Levels[] => {
    const energy = meanEnergy(signals);
    return signals.map((signal) =>
      step === undefined
        ? bestLevels(signal, exchange * energy, reconstruction)
        : chooseLevels(signal, step, { lambda: exchange * energy, reconstruction, rounds: 20 }),
    );
  };
  const chosen = (signals: readonly Signal[]): Levels[] =>
    bytes === undefined ? choose(signals, lambda) : withinBytes(bytes, (l) => choose(signals, l));

  return {
    name: 'rateDistortion',
    kinds: ['quantizer'],
    check: (_, of) => checkTrained('rateDistortion', importance, of),
    start(run, of, state) {
      checkTrained('rateDistortion', importance, of);
      const unshared = (): Of => of.filter((p) => run.shared(p) === undefined);
      const source = importanceSource('rateDistortion', importance, run, unshared, state);
      return {
        ...source.hooks,
        async quantize(at) {
          const open = unshared();
          if (open.length === 0 || source.waits(at)) return new Map<Parameter, QuantizedTensor>();
          const signals: Signal[] = [];
          for (const p of open) {
            const values = (await p.variable.data()) as Float32Array;
            signals.push(signalOf(p, values, await source.of(p, values)));
          }
          const levels = chosen(signals);
          checkKept(open, signals, levels, bytes === undefined ? `lambda ${lambda}` : `${bytes} bytes`);
          source.hooks.dispose?.();
          return new Map(open.map((p, i) => [p, tensorOf(p.size, signals[i], levels[i])]));
        },
      };
    },
  };
}

function signalOf(parameter: Parameter, values: Float32Array, importance: Float32Array | undefined): Signal {
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    throw new EspalierError('not-finite', `Weight ${bad} of ${parameter.name} is ${values[bad]}.`, {
      remedy: 'Lower the learning rate, or restore an earlier checkpoint.',
    });
  }
  const shape = matrixShape(parameter.shape);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) count++;
  const places = { shape, rows: new Uint32Array(count), columns: new Uint32Array(count) };
  const kept = new Float32Array(count);
  const weights = new Float32Array(count);
  let energy = 0;
  for (let i = 0, j = 0; i < values.length; i++) {
    if (values[i] === 0) continue;
    places.rows[j] = Math.floor(i / shape.columns);
    places.columns[j] = i % shape.columns;
    kept[j] = values[i];
    weights[j++] = importance?.[i] ?? 1;
    energy += values[i] * values[i];
  }
  // Without importance an error counts by the energy of its tensor, so that scales of layers do not matter.
  if (importance === undefined && energy > 0) weights.fill(count / energy);
  return { ...places, values: kept, weights };
}

/** Mean of importance x weight^2 over the weights that are not zero. */
function meanEnergy(signals: readonly Signal[]): number {
  let energy = 0;
  let count = 0;
  for (const { values, weights } of signals) {
    for (let j = 0; j < values.length; j++) energy += weights[j] * values[j] * values[j];
    count += values.length;
  }
  return energy / Math.max(1, count);
}

/** The finest choice whose estimated size is not above `bytes`, to 1 % or 24 bisections of lambda. */
function withinBytes(bytes: number, choose: (lambda: number) => Levels[]): Levels[] {
  let low = 1e-6;
  let high = 10;
  let best = choose(high);
  for (let i = 0; i < 24; i++) {
    const lambda = Math.sqrt(low * high);
    const levels = choose(lambda);
    const size = levels.reduce((bits, l) => bits + l.bits, 0) / 8;
    if (size > bytes) {
      low = lambda;
    } else {
      high = lambda;
      best = levels;
      if (size > 0.99 * bytes) break;
    }
  }
  return best;
}

/** A model of nothing but zeros is small, and nobody's wish. */
function checkKept(of: Of, signals: readonly Signal[], levels: readonly Levels[], asked: string): void {
  const some = signals.some(({ values }) => values.length > 0);
  if (!some || levels.some((l) => l.levels.some((level) => level !== 0))) return;
  const weights = signals.reduce((sum, { values }) => sum + values.length, 0);
  throw new EspalierError(
    'invalid-option',
    `rateDistortion: ${asked} would make all ${weights} weights of ${of.map((p) => p.name).join(', ')} zero.`,
    { remedy: 'Ask for more bytes, or for a smaller lambda.' },
  );
}

function tensorOf(
  size: number,
  { shape, rows, columns }: Signal,
  { levels, top, points }: Levels,
): QuantizedTensor {
  // Points of neighbouring levels can meet when they are rounded to float32.
  const codebook = Float32Array.from(new Set(Float32Array.from(points).sort()));
  const entry = new Map([...codebook].map((value, i) => [value, i]));
  const zero = entry.get(0) as number;
  const indices = new Uint16Array(size).fill(zero);
  for (let j = 0; j < levels.length; j++) {
    indices[rows[j] * shape.columns + columns[j]] = entry.get(Math.fround(points[levels[j] + top])) as number;
  }
  return compact(codebook, indices, true);
}
