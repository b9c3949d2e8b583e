import * as tf from '@tensorflow/tfjs-core';
import { EspalierError } from './errors.js';

/**
 * How a hook gets numbers of tensors: `look` makes or names the tensors, all that the hook needs; they are read
 * together, and `use` is called with their values, row-major, as float32. What `look` makes is disposed. The result
 * is what `use` returns, at once (`readNow`) or as a promise (`readLater`); a hook returns it as it is.
 */
export type Read = <T>(
  look: () => readonly tf.Tensor[],
  use: (numbers: readonly Float32Array[]) => T,
) => T | Promise<T>;

/** Elements that go into one transfer, at most; one tensor may be larger. A GPU's buffers have limits. */
const most = 2 ** 24;

/** Does the current backend read while one waits? WebGPU does not. */
export function readsAtOnce(): boolean {
  return tf.getBackend() !== 'webgpu';
}

/**
 * Reads while the caller waits: for loops of one's own, on backends that can.
 *
 * @throws EspalierError `asynchronous-backend` on WebGPU
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { readNow } from '@espalier/core';
 * const weights = tf.tensor1d([1, -2]);
 * const sum = readNow(() => [tf.abs(weights)], ([magnitudes]) => magnitudes[0] + magnitudes[1]);
 * if (sum !== 3) throw new Error(String(sum));
 * ```
 */
export function readNow<T>(
  look: () => readonly tf.Tensor[],
  use: (numbers: readonly Float32Array[]) => T,
): T {
  let numbers: Float32Array[] = [];
  tf.tidy(() => {
    const tensors = look();
    if (tensors.length > 0 && !readsAtOnce()) {
      throw new EspalierError('asynchronous-backend', `The ${tf.getBackend()} backend cannot read at once.`, {
        remedy: 'Give the hook `readLater` of @espalier/core as its last argument, and await its result.',
      });
    }
    numbers = tensors.map((tensor) => Float32Array.from(tensor.dataSync() as Float32Array));
  });
  return use(numbers);
}

/** Reads asynchronously: what training does, on every backend. */
export async function readLater<T>(
  look: () => readonly tf.Tensor[],
  use: (numbers: readonly Float32Array[]) => T,
): Promise<T> {
  let sizes: number[] = [];
  const packs = tf.tidy(() => {
    const tensors = look();
    sizes = tensors.map(({ size }) => size);
    return packed(tensors);
  });
  try {
    const arrays = await Promise.all(packs.map((pack) => pack.data() as Promise<Float32Array>));
    return use(unpacked(arrays, sizes));
  } finally {
    tf.dispose(packs);
  }
}

/** `readNow` where the backend can, else `readLater`. */
export function reading(): Read {
  return readsAtOnce() ? readNow : readLater;
}

/** Tensors one after the other, as few as the limit allows. */
function packed(tensors: readonly tf.Tensor[]): tf.Tensor[] {
  const packs: tf.Tensor[][] = [];
  let left = 0;
  for (const tensor of tensors) {
    if (tensor.size === 0) continue;
    if (tensor.size > left) {
      packs.push([]);
      left = most;
    }
    packs[packs.length - 1].push(tf.reshape(tf.cast(tensor, 'float32'), [-1]));
    left -= tensor.size;
  }
  return packs.map((pack) => (pack.length === 1 ? tf.clone(pack[0]) : tf.concat(pack)));
}

/** The arrays of tensors from those of their packs, which they fill in the same order. */
function unpacked(arrays: readonly Float32Array[], sizes: readonly number[]): Float32Array[] {
  let [pack, at] = [0, 0];
  return sizes.map((size) => {
    if (size === 0) return new Float32Array(0);
    if (at === arrays[pack].length) [pack, at] = [pack + 1, 0];
    at += size;
    return arrays[pack].slice(at - size, at);
  });
}
