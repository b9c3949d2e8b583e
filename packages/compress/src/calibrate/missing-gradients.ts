import * as tf from '@tensorflow/tfjs-core';

/** Kernels whose outputs are chosen by their inputs, with these: small changes of them change nothing. */
const choices: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual', 'LogicalAnd', 'LogicalOr'].map(
      (kernel) => [kernel, ['a', 'b']],
    ),
  ),
  ...Object.fromEntries(
    ['LogicalNot', 'ArgMax', 'ArgMin', 'IsNan', 'IsInf', 'IsFinite'].map((kernel) => [kernel, ['x']]),
  ),
};

/** Kernels each of whose output elements is one of the elements of their first input here. */
const rearranging: Readonly<Record<string, readonly string[]>> = {
  StridedSlice: ['x'],
  GatherNd: ['params', 'indices'],
  DepthToSpace: ['x'],
};

type GradConfig = Parameters<typeof tf.registerGradient>[0];

/** No slope for any input. */
function choice([kernelName, names]: [string, readonly string[]]): GradConfig {
  return {
    kernelName,
    inputsToSave: [...names],
    gradFunc: (_, saved) =>
      Object.fromEntries(names.map((name, i) => [name, () => tf.zeros(saved[i].shape)])),
  };
}

/** Each slope goes to where its element came from: the kernel itself says so when it is given the elements' places. */
function rearrangement([kernelName, names]: [string, readonly string[]]): GradConfig {
  return {
    kernelName,
    inputsToSave: [...names],
    gradFunc: (dy, [{ shape, size }, indices], attrs) => {
      const from = (): tf.Tensor =>
        tf.tidy(() => {
          const places = tf.reshape(tf.range(0, size, 1, 'int32'), shape);
          const given = { [names[0]]: places, ...(indices && { indices }) };
          const moved = tf.engine().runKernel(kernelName, given, attrs) as tf.Tensor;
          const flat = tf.scatterND(tf.reshape(moved, [-1, 1]), tf.reshape(dy as tf.Tensor, [-1]), [size]);
          return tf.reshape(flat, shape);
        });
      return { [names[0]]: from, ...(indices && { indices: () => tf.zeros(indices.shape) }) };
    },
  };
}

/** A slope by an element that was repeated along axes is the sum of those by its copies. */
function summed(all: tf.Tensor, { shape }: tf.Tensor): tf.Tensor {
  const axes = tf.backend_util.getReductionAxes(shape, all.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(all, axes) : all, shape);
}

/** Where TF.js's own forget that inputs may be repeated along axes: slopes by each, for a slope of 1 of what comes out. */
const repeating: Readonly<Record<string, (a: tf.Tensor, b: tf.Tensor) => readonly [tf.Tensor, tf.Tensor]>> = {
  Maximum: (a, b) => [tf.greaterEqual(a, b), tf.less(a, b)],
  Minimum: (a, b) => [tf.lessEqual(a, b), tf.greater(a, b)],
  SquaredDifference: (a, b) => [tf.mul(2, tf.sub(a, b)), tf.mul(2, tf.sub(b, a))],
};

function repetition([kernelName, slopes]: [string, (typeof repeating)[string]]): GradConfig {
  return {
    kernelName,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => {
      const slope = (own: tf.Tensor, which: 0 | 1) => (): tf.Tensor =>
        tf.tidy(() => summed(tf.mul(dy as tf.Tensor, tf.cast(slopes(a, b)[which], 'float32')), own));
      return { a: slope(a, 0), b: slope(b, 1) };
    },
  };
}

/** Kernels that give a list of tensors. Of a list of one, TF.js hands their gradients the slope in place of a list. */
const listing = ['Unpack', 'SplitV'];

function listed(kernelName: string): readonly GradConfig[] {
  const own = tf.getGradient(kernelName);
  if (own === undefined) return [];
  const { gradFunc } = own;
  return [{ ...own, gradFunc: (dy, ...rest) => gradFunc(Array.isArray(dy) ? dy : [dy], ...rest) }];
}

/** Runs `action` with gradients that TF.js 4.22 lacks or has wrong, and leaves TF.js as it was. */
export async function withGradients<T>(action: () => Promise<T>): Promise<T> {
  const configs = [
    ...Object.entries(choices).map(choice),
    ...Object.entries(rearranging).map(rearrangement),
  ].filter(({ kernelName }) => tf.getGradient(kernelName) === undefined);
  const wrong = [...Object.entries(repeating).map(repetition), ...listing.flatMap(listed)];
  const before = wrong.flatMap(({ kernelName }) => tf.getGradient(kernelName) ?? []);
  for (const config of before) tf.unregisterGradient(config.kernelName);
  for (const config of [...configs, ...wrong]) tf.registerGradient(config);
  try {
    return await action();
  } finally {
    for (const { kernelName } of [...configs, ...wrong]) tf.unregisterGradient(kernelName);
    for (const config of before) tf.registerGradient(config);
  }
}
