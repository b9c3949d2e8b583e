import { once, Run, randomUniform } from '@espalier/core';
import { agp } from '@espalier/pruners';
import * as tf from '@tensorflow/tfjs-core';
import { generator } from '@tensorflow/tfjs-data';
import { accuracy, createModel } from './prune.js';
import { spirals } from './spirals.js';

/** Batches of points as a `tf.data.Dataset`; yours may read files, or come from the web. */
function pointsOf(batches, batchSize, draw) {
  return generator(function* () {
    for (let i = 0; i < batches; i++) {
      const [inputs, labels] = spirals(batchSize, draw);
      yield { inputs, labels };
    }
  });
}

/**
 * Trains a net on the batches of a `tf.data.Dataset` and prunes it as it learns: at the start of each epoch some more.
 *
 * @param {{ sparsity: number, epochs?: number, log?: (line: string) => void }} options
 */
export async function trainOnDataset({ sparsity, epochs = 12, log = () => {} }) {
  const draw = randomUniform(11);
  const [testInputs, testLabels] = spirals(300, draw);
  const dataset = pointsOf(80, 48, draw);
  const model = createModel();
  const optimizer = tf.train.adam(0.01);
  const run = new Run(model);
  const pruner = agp({ final: sparsity });
  const [first, last] = [Math.round(epochs / 4), Math.round((3 * epochs) / 4)];

  for (let epoch = 0; epoch < epochs; epoch++) {
    if (epoch >= first && epoch < last)
      await run.prune(pruner, '**/kernel', { ...once(), index: epoch - first, count: last - first });
    await dataset.forEachAsync(({ inputs, labels }) => {
      optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, model.apply(inputs)));
      run.applyMasks();
    });
    const { parameters, nonzero } = await run.counts();
    log(
      `epoch ${epoch + 1}: ${nonzero} of ${parameters} left, ${(100 * accuracy(model, testInputs, testLabels)).toFixed(1)} %`,
    );
  }

  const counts = await run.counts();
  const pruned = accuracy(model, testInputs, testLabels);
  run.dispose();
  optimizer.dispose();
  tf.dispose([testInputs, testLabels]);
  return { model, pruned, ...counts };
}
