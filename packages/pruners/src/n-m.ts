import {
  checkOptions,
  checkRange,
  EspalierError,
  type Of,
  type Parameter,
  type Pruner,
  readNow,
  shown,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkCriterion, type ElementCriterion, scoresOf } from './criterion.js';
import { see } from './internal/seen.js';

/** The groups of {@link nm}, and how many weights of each stay. */
export interface NmOptions {
  /** How many weights of each group stay, 1 <= n <= m. */
  readonly n: number;
  /** Size of a group of neighbours, at least 2. */
  readonly m: number;
  /** Along which axis groups lie: `'in'` (default, what sparse hardware wants), `'out'`, or a dimension. */
  readonly along?: 'in' | 'out' | number;
  /** Criterion. Default `'magnitude'`. */
  readonly criterion?: ElementCriterion;
  /** For criterion `'random'`. Default: the run's seed. */
  readonly seed?: number;
}

/**
 * N:M sparsity: of every `m` neighbours along an axis, the `n` most important stay (2:4 is what sparse tensor
 * cores run: Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks"). Groups start at index 0; a
 * shorter one at the end is treated as if padded with zeros, so it keeps up to `n`.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { nm } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [6], useBias: false })] });
 * model.setWeights([tf.tensor2d([[4], [-1], [2], [3], [0.1], [0.2]])]);
 * await new Run(model).prune(nm({ n: 2, m: 4 }));
 * const kept = [...model.getWeights()[0].dataSync()].map((w) => Number(w !== 0));
 * if (kept.join() !== '1,0,0,1,1,1') throw new Error(kept.join());
 * ```
 */
export function nm(options: NmOptions): Pruner {
  const { n, m, along = 'in', criterion = 'magnitude', seed } = options;
  checkOptions('nm', options, ['n', 'm', 'along', 'criterion', 'seed']);
  checkCriterion('nm', criterion);
  checkRange('nm', 'm', m, 2, Number.MAX_SAFE_INTEGER);
  checkRange('nm', 'n', n, 1, m);
  for (const [name, value] of Object.entries({ n, m, seed: seed ?? 0 })) {
    if (!Number.isInteger(value)) {
      throw new EspalierError('invalid-option', `nm: ${name} is ${value}.`, {
        remedy: 'Give a whole number.',
      });
    }
  }
  if (along !== 'in' && along !== 'out' && !(Number.isInteger(along) && along >= 0)) {
    throw new EspalierError('invalid-option', `nm: along is ${shown(along)}.`, {
      remedy: "Give 'in', 'out' or the number of a dimension.",
    });
  }
  const check = (of: Of): void => {
    for (const p of of) axisOf(p, along);
  };
  return {
    name: 'nm',
    kinds: ['pruner'],
    check: (_, of) => check(of),
    start(run, of) {
      check(of);
      return {
        masks: (_, read = readNow) =>
          see(read, run, of, criterion, (seen) => {
            const masks = new Map<Parameter, tf.Tensor>();
            for (const [p, own] of seen) {
              const scores = scoresOf(criterion, p, seed ?? run.seed, own);
              const kept = keep(scores, p.shape, axisOf(p, along), n, m);
              masks.set(p, tf.tensor(kept, p.shape as number[], 'float32'));
            }
            return masks;
          }),
      };
    },
  };
}

function axisOf({ name, axes, shape }: Parameter, along: 'in' | 'out' | number): number {
  const axis = typeof along === 'number' ? along : axes[along];
  if (axis !== undefined && axis < shape.length) return axis;
  throw new EspalierError('invalid-option', `nm: ${name} of shape [${shape}] has no axis ${shown(along)}.`, {
    remedy: 'Give the number of a dimension, or leave the parameter out of the schedule.',
  });
}

function keep(
  scores: Float32Array,
  shape: readonly number[],
  axis: number,
  n: number,
  m: number,
): Float32Array {
  const mask = new Float32Array(scores.length);
  const length = shape[axis];
  const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  for (let line = 0; line < scores.length / length; line++) {
    // Lines along the axis: `stride` of them interleave in each run of `length * stride` elements.
    const origin = Math.floor(line / stride) * length * stride + (line % stride);
    for (let start = 0; start < length; start += m) {
      const end = Math.min(start + m, length);
      for (let i = start; i < end; i++) {
        const own = scores[origin + i * stride];
        if (own === Number.NEGATIVE_INFINITY) continue;
        let better = 0; // of equal scores the later one is better: ties go by index
        for (let j = start; j < end; j++) {
          const other = scores[origin + j * stride];
          if (other > own || (other === own && j > i)) better++;
        }
        if (better < n) mask[origin + i * stride] = 1;
      }
    }
  }
  return mask;
}
