import { once, Run, randomUniform } from '@espalier/core';
import { agp } from '@espalier/pruners';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { spirals } from './spirals.js';

/** A small net of one's own. */
export function createModel() {
  const kernelInitializer = (seed) => ({ className: 'GlorotUniform', config: { seed } });
  return sequential({
    layers: [
      layers.dense({
        units: 32,
        activation: 'relu',
        inputShape: [2],
        kernelInitializer: kernelInitializer(1),
      }),
      layers.dense({ units: 32, activation: 'relu', kernelInitializer: kernelInitializer(2) }),
      layers.dense({ units: 3, kernelInitializer: kernelInitializer(3) }),
    ],
  });
}

/** The share of points that a model puts into their class. */
export function accuracy(model, inputs, labels) {
  return tf.tidy(() => {
    const hits = tf.equal(tf.argMax(model.apply(inputs), 1), tf.argMax(labels, 1));
    return tf.mean(tf.cast(hits, 'float32')).dataSync()[0];
  });
}

/**
 * Trains a dense net on three spirals, then prunes it to a sparsity while it goes on training.
 *
 * @param {{ sparsity: number, steps?: number, log?: (line: string) => void }} options
 */
export async function trainAndPrune({ sparsity, steps = 400, log = () => {} }) {
  const draw = randomUniform(7);
  const [testInputs, testLabels] = spirals(300, draw);
  const model = createModel();
  const optimizer = tf.train.adam(0.01);
  const step = () => {
    const [inputs, labels] = spirals(48, draw);
    optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, model.apply(inputs)));
    tf.dispose([inputs, labels]);
  };

  for (let i = 0; i < steps; i++) step();
  const dense = accuracy(model, testInputs, testLabels);
  log(`dense: ${(100 * dense).toFixed(1)} % of the test points`);

  // Everything Espalier needs to know is the model. It never trains here: the loop stays yours.
  const run = new Run(model);
  const pruner = agp({ final: sparsity });
  const firings = 10;
  for (let index = 0; index < firings; index++) {
    await run.prune(pruner, '**/kernel', { ...once(), index, count: firings });
    for (let i = 0; i < steps / firings; i++) {
      step();
      run.applyMasks(); // the optimizer knows nothing of masks: write the zeros back after each of its steps
    }
    const { parameters, nonzero } = await run.counts();
    log(
      `pruned: ${nonzero} of ${parameters} left, ${(100 * accuracy(model, testInputs, testLabels)).toFixed(1)} %`,
    );
  }
  for (let i = 0; i < steps; i++) {
    step();
    run.applyMasks();
  }
  const pruned = accuracy(model, testInputs, testLabels);
  log(`fine-tuned: ${(100 * pruned).toFixed(1)} %`);

  const counts = await run.counts();
  run.dispose();
  optimizer.dispose();
  tf.dispose([testInputs, testLabels]);
  return { model, dense, pruned, ...counts };
}
