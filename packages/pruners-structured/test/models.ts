import '@tensorflow/tfjs-backend-cpu';
import {
  type Data,
  type Moment,
  once,
  type Parameter,
  type Pruner,
  Run,
  type Running,
  type Selector,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';

export type T = SymbolicTensor;

export const on = (layer: layers.Layer, x: T | T[]): T => layer.apply(x) as T;

/** A functional model of one input. */
export function graph(shape: number[], build: (x: T) => T | T[]): LayersModel {
  const x = input({ shape });
  return model({ inputs: x, outputs: build(x) });
}

/** Dense layers in a row, without bias: `fc0`, `fc1`, … with these weights. */
export function chain(...matrices: readonly (readonly (readonly number[])[])[]): Run {
  const run = new Run(
    graph([matrices[0].length], (x) =>
      matrices.reduce(
        (y, rows, i) => on(layers.dense({ name: `fc${i}`, units: rows[0].length, useBias: false }), y),
        x,
      ),
    ),
    { seed: 1 },
  );
  for (const [i, rows] of matrices.entries()) write(run.parameter(`fc${i}/kernel`), rows.flat());
  return run;
}

export function write(parameter: Parameter, values: readonly number[]): void {
  const tensor = tf.tensor(Float32Array.from(values), parameter.shape as number[]);
  parameter.variable.assign(tensor);
  tensor.dispose();
}

/** Current weights. */
export function weights(run: Run, name: string): number[] {
  return Array.from(run.parameter(name).variable.dataSync(), (w) => w + 0); // no -0
}

/** The combined mask of a parameter, all ones if there is none. */
export function mask(run: Run, name: string): number[] {
  const parameter = run.parameter(name);
  return [...(run.mask(parameter)?.dataSync() ?? new Float32Array(parameter.size).fill(1))];
}

/** As the trainer does: starts the pruner, then prunes at each moment. */
export function prune(run: Run, pruner: Pruner, of: Selector, ...moments: readonly Moment[]): void {
  const running = run.start(pruner, { parameters: of }) as Running;
  for (const at of moments.length > 0 ? moments : [once()]) running.fire(at);
  running.dispose();
}

/** Data of one batch that is the same in every step. */
export function fixed(inputs: tf.Tensor, labels: tf.Tensor, stepsPerEpoch: number): Data {
  return {
    size: inputs.shape[0],
    stepsPerEpoch,
    *batches() {
      for (let i = 0; i < stepsPerEpoch; i++) yield { inputs: tf.clone(inputs), labels: tf.clone(labels) };
    },
  };
}

/** Standard normal numbers. */
export function normal(shape: number[], seed: number): tf.Tensor {
  return tf.randomNormal(shape, 0, 1, 'float32', seed);
}

/** A net whose layers another one had before: all are called again, on a new input. */
export const calledAgain = (net: LayersModel): LayersModel =>
  graph(net.inputs[0].shape.slice(1) as number[], (x) =>
    net.layers.slice(1).reduce((y, layer) => on(layer, y), x),
  );
