import { agpSparsity, checkOptions, checkRange, EspalierError, readNow } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Optimal brain damage (LeCun, Denker & Solla 1990, eq. 5): removing weight w raises the loss by about ½·h·w²,
 * h the curvature of the loss along w. The curvature is estimated by the mean squared gradient of the batches
 * seen while training (the diagonal of the empirical Fisher matrix). The sparsity rises along the cubic curve of gradual
 * pruning (Zhu & Gupta 2017).
 *
 * @param {import('./index.js').ObdOptions} options
 * @returns {import('@espalier/core').Pruner}
 */
export function obd(options) {
  const { sparsity, decay = 0.99 } = options;
  checkOptions('obd', options, ['sparsity', 'decay']);
  checkRange('obd', 'sparsity', sparsity, 0, 1);
  checkRange('obd', 'decay', decay, 0, 1 - Number.EPSILON);

  return {
    name: 'obd',
    kinds: ['pruner'],

    /** A session: all that changes is in here, so that one plugin serves many schedules, stages and runs. */
    start(run, of, state) {
      /** Running mean of g² by parameter. It starts at 0; the bias is the same for all weights. */
      const curvature = new Map(curvatureIn(state, of));

      return {
        /** After the backward pass of each step: a few tensor operations, no loop over weights. */
        observe(step) {
          for (const parameter of of) {
            const gradient = step.gradient(parameter);
            if (gradient === undefined) continue;
            if (!curvature.has(parameter))
              curvature.set(parameter, tf.variable(tf.zerosLike(gradient), false));
            const mean = curvature.get(parameter);
            mean.assign(tf.add(tf.mul(mean, decay), tf.mul(tf.square(gradient), 1 - decay)));
          }
        },

        /** Scores are worked out on the device; the trainer reads them, all together, without anybody waiting. */
        masks(at, read = readNow) {
          if (curvature.size === 0) {
            if (at.index < at.count - 1) return new Map(); // the first firing comes before the first step
            throw new EspalierError('invalid-schedule', 'obd is to prune before it has seen a gradient.', {
              remedy: 'Let its schedule fire more than once.',
            });
          }
          const target = agpSparsity(0, sparsity, 3, at);
          return read(
            () => of.map((parameter) => saliency(parameter, curvature.get(parameter), run.mask(parameter))),
            (scores) => {
              const kept = keepHighest(scores, target);
              return new Map(of.map((parameter, i) => [parameter, tf.tensor(kept[i], parameter.shape)]));
            },
          );
        },

        save(read = readNow) {
          const means = [...curvature];
          return read(
            () => means.map(([, mean]) => mean),
            (numbers) => ({
              json: 'obd',
              arrays: Object.fromEntries(means.map(([{ name }], i) => [name, numbers[i]])),
            }),
          );
        },

        dispose() {
          tf.dispose([...curvature.values()]);
        },
      };
    },
  };
}

/** What a session before has saved of these parameters; one that was thinned since begins anew. */
function curvatureIn(state, of) {
  if (state === undefined) return [];
  if (state.json !== 'obd') {
    throw new EspalierError('bad-state', 'obd: the saved state is of another plugin.', {
      remedy: 'Give the state that a session of obd has saved, or none.',
    });
  }
  return of
    .filter(({ name, size }) => state.arrays?.[name]?.length === size)
    .map((parameter) => [
      parameter,
      tf.tidy(() => tf.variable(tf.tensor(state.arrays[parameter.name], parameter.shape), false)),
    ]);
}

/** ½·h·w² of each weight; -1 for those that are gone, so that they stay gone. */
function saliency({ variable }, mean, mask) {
  const cost = tf.mul(tf.mul(tf.square(variable), mean ?? 0), 0.5);
  return mask === undefined ? cost : tf.sub(tf.mul(cost, mask), tf.sub(1, mask));
}

/**
 * Masks that prune the lowest scores of all arrays together up to a sparsity, ties by index; never fewer than are gone
 * already.
 */
function keepHighest(scores, sparsity) {
  const kept = scores.map((own) => new Float32Array(own.length).fill(1));
  const starts = [0];
  for (const own of scores) starts.push(starts.at(-1) + own.length);
  const all = new Float32Array(starts.at(-1));
  for (const [i, own] of scores.entries()) all.set(own, starts[i]);
  const count = Math.max(Math.round(sparsity * all.length), all.filter((score) => score < 0).length);
  const order = Uint32Array.from(all.keys()).sort((a, b) => all[a] - all[b] || a - b);
  for (const index of order.subarray(0, count)) {
    const i = starts.findIndex((_, i) => index < starts[i + 1]);
    kept[i][index - starts[i]] = 0;
  }
  return kept;
}
