import { Dataset, File, type Group, ready } from 'h5wasm/node';

/** A weight as Keras names it, `dense/kernel:0`. */
export interface KerasWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface KerasFile {
  readonly version: string;
  /** `model_config`; files of `save_weights` have none, and no group `model_weights`. */
  readonly config?: object;
  /** By layer, those without weights too. */
  readonly layers: Readonly<Record<string, readonly KerasWeight[]>>;
  /** List of layers in so many pieces, as Keras writes it when it is long. */
  readonly pieces?: number;
}

/** Writes a file as Keras 2 does: a group per layer that lists its weights, which lie in groups of its own. */
export async function writeKeras(
  path: string,
  { version, config, layers, pieces }: KerasFile,
): Promise<void> {
  await ready;
  const file = new File(path, 'w');
  let root: Group = file;
  if (config) {
    file.create_attribute('model_config', JSON.stringify(config));
    root = file.create_group('model_weights');
    const optimizer = file.create_group('optimizer_weights');
    optimizer.create_dataset({ name: 'iteration:0', data: BigInt64Array.of(7n), shape: [1], dtype: '<q' });
  }
  for (const group of config ? [file, root] : [root]) {
    group.create_attribute('keras_version', version);
    group.create_attribute('backend', 'tensorflow');
  }
  const names = Object.keys(layers);
  if (pieces === undefined) root.create_attribute('layer_names', names);
  else {
    const each = Math.ceil(names.length / pieces);
    for (let i = 0; i < pieces; i++) {
      root.create_attribute(`layer_names${i}`, names.slice(i * each, (i + 1) * each));
    }
  }
  for (const [layer, weights] of Object.entries(layers)) {
    const group = root.create_group(layer);
    // An empty list is one of floats to h5py.
    if (weights.length === 0) group.create_attribute('weight_names', new Float64Array(0), [0], '<d');
    else
      group.create_attribute(
        'weight_names',
        weights.map(({ name }) => name),
      );
    for (const { name, shape, values } of weights) {
      const parts = name.split('/');
      let inner = group;
      for (const part of parts.slice(0, -1)) {
        const found = inner.get(part);
        if (found instanceof Dataset) throw new Error(`${part} is a weight`);
        inner = (found as Group | null) ?? inner.create_group(part);
      }
      inner.create_dataset({ name: parts.at(-1) as string, data: values, shape: [...shape], dtype: '<f' });
    }
  }
  file.flush();
  file.close();
}

/** Configurations as Keras 2.15 writes them. */
const initializer = (name: string): object => ({
  module: 'keras.initializers',
  class_name: name,
  config: name === 'GlorotUniform' ? { seed: null } : {},
  registered_name: null,
});

export const l2: object = {
  module: 'keras.regularizers',
  class_name: 'L2',
  config: { l2: 0.01 },
  registered_name: null,
};

export const layer = (name: string, config: object): object => ({
  module: 'keras.layers',
  class_name: name,
  config: { trainable: true, dtype: 'float32', ...config },
  registered_name: null,
});

/** What Dense, Conv2D and LSTM have in common. */
export const kernel = {
  use_bias: true,
  kernel_initializer: initializer('GlorotUniform'),
  bias_initializer: initializer('Zeros'),
  kernel_regularizer: null,
  bias_regularizer: null,
  activity_regularizer: null,
  kernel_constraint: null,
  bias_constraint: null,
};

export const batchNormalization: object = {
  name: 'batch_normalization',
  axis: [3],
  momentum: 0.99,
  epsilon: 0.001,
  center: true,
  scale: true,
  beta_initializer: initializer('Zeros'),
  gamma_initializer: initializer('Ones'),
  moving_mean_initializer: initializer('Zeros'),
  moving_variance_initializer: initializer('Ones'),
  beta_regularizer: null,
  gamma_regularizer: null,
  beta_constraint: null,
  gamma_constraint: null,
};
