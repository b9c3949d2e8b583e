import * as tf from '@tensorflow/tfjs-core';
import { EspalierError } from './errors.js';

/** Tensors to be read, in lists and records of any depth; undefined stays undefined. */
export type Looked = tf.Tensor | undefined | readonly Looked[] | { readonly [name: string]: Looked };

/** Their numbers, row-major, as float32, in the same lists and records. */
export type Seen<L> = L extends tf.Tensor ? Float32Array : { readonly [K in keyof L]: Seen<L[K]> };

/**
 * How a hook gets numbers of tensors: `look` makes or names the tensors, all that the hook needs; they are read
 * together, and `use` is called with their values. What `look` makes is disposed. The result is what `use` returns,
 * at once (`readNow`) or as a promise (`readLater`); a hook returns it as it is.
 */
export type Read = <L extends Looked, T>(look: () => L, use: (seen: Seen<L>) => T) => T | Promise<T>;

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
export function readNow<L extends Looked, T>(look: () => L, use: (seen: Seen<L>) => T): T {
  let seen: unknown;
  tf.tidy(() => {
    const looked = look();
    if (tensorsIn(looked).length > 0 && !readsAtOnce()) {
      throw new EspalierError('asynchronous-backend', `The ${tf.getBackend()} backend cannot read at once.`, {
        remedy: 'Give the hook `readLater` of @espalier/core as its last argument, and await its result.',
      });
    }
    seen = filled(looked, (tensor) => Float32Array.from(tensor.dataSync() as Float32Array));
  });
  return use(seen as Seen<L>);
}

/**
 * Reads asynchronously: what training does, on every backend.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { reading, readLater } from '@espalier/core';
 * const weights = tf.tensor1d([1, -2]);
 * const sum = await readLater(() => [tf.abs(weights)], ([magnitudes]) => magnitudes[0] + magnitudes[1]);
 * const same = await reading()(() => [tf.abs(weights)], ([magnitudes]) => magnitudes[0] + magnitudes[1]);
 * if (sum !== 3 || same !== 3) throw new Error(`${sum}`);
 * ```
 */
export async function readLater<L extends Looked, T>(look: () => L, use: (seen: Seen<L>) => T): Promise<T> {
  let looked: L | undefined;
  const packs = tf.tidy(() => {
    looked = look();
    return packed(tensorsIn(looked));
  });
  try {
    const arrays = await Promise.all(packs.map((pack) => pack.data() as Promise<Float32Array>));
    return use(filled(looked, unpack(arrays)) as Seen<L>);
  } finally {
    tf.dispose(packs);
  }
}

/** `readNow` where the backend can, else `readLater`. */
export function reading(): Read {
  return readsAtOnce() ? readNow : readLater;
}

/** @internal All numbers that are looked at, one after the other. Within a tidy. */
export function packedAsOne(looked: Looked): tf.Tensor1D {
  const flat = tensorsIn(looked).map((tensor) => tf.reshape(tf.cast(tensor, 'float32'), [-1]));
  return (flat.length === 0 ? tf.zeros([0]) : tf.concat(flat)) as tf.Tensor1D;
}

/** @internal The numbers of `packedAsOne` as those of what was looked at, which may be disposed. */
export function unpacked<L extends Looked>(looked: L, numbers: Float32Array): Seen<L> {
  return filled(looked, unpack([numbers])) as Seen<L>;
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

/** The numbers of each tensor in turn, from the arrays of the packs that they fill. */
function unpack(arrays: readonly Float32Array[]): (tensor: tf.Tensor) => Float32Array {
  let [pack, at] = [0, 0];
  return ({ size }) => {
    if (size === 0) return new Float32Array(0);
    if (at === arrays[pack].length) [pack, at] = [pack + 1, 0];
    at += size;
    return arrays[pack].slice(at - size, at);
  };
}

function tensorsIn(looked: Looked): tf.Tensor[] {
  const found: tf.Tensor[] = [];
  filled(looked, (tensor) => {
    found.push(tensor);
    return new Float32Array(0);
  });
  return found;
}

/** The same lists and records with numbers in the place of tensors, which come in order. */
function filled(looked: Looked, numbers: (tensor: tf.Tensor) => Float32Array): unknown {
  if (looked === undefined) return undefined;
  if (looked instanceof tf.Tensor) return numbers(looked);
  if (Array.isArray(looked)) return looked.map((part) => filled(part, numbers));
  return Object.fromEntries(Object.entries(looked).map(([name, part]) => [name, filled(part, numbers)]));
}
