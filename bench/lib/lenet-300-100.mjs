import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** LeNet-300-100 with weights that are the same each time. */
export function lenet300() {
  const layer = (units, activation, seed, inputShape) =>
    tfl.layers.dense({
      units,
      activation,
      inputShape,
      kernelInitializer: tfl.initializers.glorotUniform({ seed }),
    });
  return tfl.sequential({
    layers: [layer(300, 'relu', 1, [784]), layer(100, 'relu', 2), layer(10, 'softmax', 3)],
  });
}

/** Masks that prune so much of every tensor, drawn the same each time. */
export function maskAtRandom(run, sparsity) {
  for (const [i, p] of run.select().entries()) {
    run.setMask(
      p,
      tf.tidy(() =>
        tf.cast(tf.greater(tf.randomUniform(p.shape, 0, 1, 'float32', i + 9), sparsity), 'float32'),
      ),
    );
  }
}

/** An epoch of `steps` times the same batch of random pictures and classes. */
export function randomData(batch, steps) {
  const inputs = tf.randomUniform([batch, 784], 0, 1, 'float32', 7);
  const classes = tf.tidy(() => tf.cast(tf.randomUniform([batch], 0, 10, 'int32', 8), 'int32'));
  const labels = tf.tidy(() => tf.cast(tf.oneHot(classes, 10), 'float32'));
  return {
    size: batch * steps,
    stepsPerEpoch: steps,
    *batches() {
      for (let s = 0; s < steps; s++) yield { inputs: tf.clone(inputs), labels: tf.clone(labels) };
    },
  };
}
