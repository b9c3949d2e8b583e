import { checkOptions, checkRange, EspalierError, progress, readNow } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Optimal brain damage (LeCun, Denker & Solla 1990, eq. 5): removing weight w raises the loss by about ½·h·w²,
 * h the curvature of the loss along w. The curvature is estimated by the mean squared gradient of the batches
 * seen while training (the diagonal of the empirical Fisher matrix).
 *
 * @param {import('./index.js').ObdOptions} options
 * @returns {import('@espalier/core').Pruner}
 */
export function obd(options) {
  const { sparsity, decay = 0.99 } = options;
  checkOptions('obd', options, ['sparsity', 'decay']);
  checkRange('obd', 'sparsity', sparsity, 0, 1);
  checkRange('obd', 'decay', decay, 0, 1 - Number.EPSILON);

  let run;
  let parameters = [];
  /** Running mean of g² by parameter name. It starts at 0; the bias is the same for all weights. */
  const curvature = new Map();
  const forget = () => {
    tf.dispose([...curvature.values()]);
    curvature.clear();
  };

  return {
    name: 'obd',

    start(started, of) {
      run = started;
      parameters = of;
      forget();
    },

    /** After the backward pass of each step: a few tensor operations, no loop over weights. */
    observe(step) {
      for (const parameter of parameters) {
        const gradient = step.gradient(parameter);
        if (gradient === undefined) continue;
        const { name } = parameter;
        if (!curvature.has(name)) curvature.set(name, tf.variable(tf.zerosLike(gradient), false));
        const mean = curvature.get(name);
        mean.assign(tf.add(tf.mul(mean, decay), tf.mul(tf.square(gradient), 1 - decay)));
      }
    },

    /** Scores are worked out on the device; the trainer reads them, all together, without anybody waiting. */
    masks(of, at, read = readNow) {
      if (curvature.size === 0) {
        if (at.index < at.count - 1) return new Map(); // the first firing comes before the first step
        throw new EspalierError('invalid-schedule', 'obd is to prune before it has seen a gradient.', {
          remedy: 'Let its schedule fire more than once.',
        });
      }
      // The cubic curve of gradual pruning (Zhu & Gupta 2017).
      const target = sparsity * (1 - (1 - progress(at)) ** 3);
      return read(
        () => of.map((p) => saliency(p, curvature.get(p.name), run.mask(p))),
        (scores) => {
          const kept = keepHighest(scores, Math.round(target * scores.reduce((n, own) => n + own.length, 0)));
          return new Map(of.map((parameter, i) => [parameter, tf.tensor(kept[i], parameter.shape)]));
        },
      );
    },

    save(read = readNow) {
      return read(
        () => [...curvature.values()],
        (means) => ({ arrays: Object.fromEntries([...curvature.keys()].map((name, i) => [name, means[i]])) }),
      );
    },

    load({ arrays = {} }) {
      forget();
      for (const parameter of parameters) {
        const saved = arrays[parameter.name];
        if (saved === undefined) continue;
        curvature.set(
          parameter.name,
          tf.tidy(() => tf.variable(tf.tensor(saved, parameter.shape), false)),
        );
      }
    },

    dispose: forget,
  };
}

/** ½·h·w² of each weight; -1 for those that are gone, so that they stay gone. */
function saliency({ variable }, mean, mask) {
  const cost = tf.mul(tf.mul(tf.square(variable), mean ?? 0), 0.5);
  return mask === undefined ? cost : tf.sub(tf.mul(cost, mask), tf.sub(1, mask));
}

/** Masks that prune the `count` lowest scores of all arrays together; ties go by index. */
function keepHighest(scores, count) {
  const kept = scores.map((own) => new Float32Array(own.length).fill(1));
  const starts = [0];
  for (const own of scores) starts.push(starts.at(-1) + own.length);
  const all = new Float32Array(starts.at(-1));
  for (const [i, own] of scores.entries()) all.set(own, starts[i]);
  const order = Uint32Array.from(all.keys()).sort((a, b) => all[a] - all[b] || a - b);
  for (const index of order.subarray(0, count)) {
    const i = starts.findIndex((_, i) => index < starts[i + 1]);
    kept[i][index - starts[i]] = 0;
  }
  return kept;
}
