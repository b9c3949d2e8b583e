import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

interface Cell {
  build(shape: unknown): void;
}

/**
 * The cells of TF.js 4.22 that leave four tensors wherever they are built with `unitForgetBias`: the parts that their initial bias is
 * made of.
 */
const cells = [
  layers.lstmCell({ units: 1 }),
  layers.convLstm2dCell({ filters: 1, kernelSize: 1 }),
] as unknown as Cell[];

for (const cell of cells) {
  const prototype = Object.getPrototypeOf(cell) as Cell;
  const stock = prototype.build;
  // Weights are variables, which stay.
  prototype.build = function (shape) {
    tf.tidy(() => stock.call(this, shape));
  };
}
