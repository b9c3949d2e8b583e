import * as tf from '@tensorflow/tfjs-core';
import type { Components, Statistics } from './kernel.js';

/** Weights that are looked at together: their responsibilities take J times as much memory. */
const most = 2 ** 18;

/** Σ over weights w `[n]`: the kernel's sums, and the slope of each, in TF.js ops. */
function look(
  { means, offsets, precisions }: Components,
  w: tf.Tensor,
): { sums: tf.Tensor; slope: tf.Tensor } {
  const d = tf.sub(tf.reshape(w, [-1, 1]), means); // [n, J]
  const square = tf.square(d);
  const logs = tf.sub(offsets, tf.mul(tf.mul(square, precisions), 0.5));
  const greatest = tf.max(logs, 1, true);
  const exps = tf.exp(tf.sub(logs, greatest));
  const total = tf.sum(exps, 1, true);
  const taken = tf.div(exps, total);
  const first = tf.mul(taken, d);
  const loss = tf.neg(tf.sum(tf.add(greatest, tf.log(total))));
  // Component 0 takes most where it is the greatest: of equal ones the first.
  const zeros = tf.sum(tf.cast(tf.greaterEqual(tf.slice(logs, [0, 0], [-1, 1]), greatest), 'float32'));
  return {
    sums: tf.concat([
      tf.stack([loss, zeros]),
      tf.sum(taken, 0),
      tf.sum(first, 0),
      tf.sum(tf.mul(taken, square), 0),
    ]),
    slope: tf.sum(tf.mul(first, precisions), 1),
  };
}

/** What the kernel does, in TF.js's own ops. Within a tidy. */
export function plainStatistics(
  components: Components,
  weights: readonly tf.Tensor[],
  held: tf.Scalar,
  scale: tf.Scalar,
): Statistics {
  let sums: tf.Tensor = tf.neg(tf.mul(look(components, tf.zeros([1])).sums, held));
  const slopes = weights.map((tensor) => {
    const flat = tf.reshape(tensor, [-1]);
    const parts: tf.Tensor[] = [];
    for (let from = 0; from < flat.size; from += most) {
      const [added, slope] = tf.tidy(() => {
        const part = look(components, tf.slice(flat, from, Math.min(most, flat.size - from)));
        return [tf.add(sums, part.sums), tf.mul(part.slope, scale)];
      });
      sums = added;
      parts.push(slope);
    }
    return tf.reshape(parts.length === 1 ? parts[0] : tf.concat(parts), tensor.shape);
  });
  return { sums: sums as tf.Tensor1D, slopes };
}
