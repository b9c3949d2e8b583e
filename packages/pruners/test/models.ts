import '@tensorflow/tfjs-backend-cpu';
import {
  type Moment,
  once,
  type Parameter,
  type Plugin,
  type PluginState,
  type PrunerSession,
  Run,
  Running,
  randomUniform,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { input, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';

/** A run over dense layers without bias, side by side, one per weight matrix: `fc0`, `fc1`, … */
export function runOf(...matrices: readonly (readonly (readonly number[])[])[]): Run {
  const inputs = matrices.map((rows) => input({ shape: [rows.length] }));
  const outputs = matrices.map((rows, i) =>
    layers.dense({ name: `fc${i}`, units: rows[0].length, useBias: false }).apply(inputs[i]),
  );
  const run = new Run(model({ inputs, outputs: outputs as SymbolicTensor[] }), { seed: 1 });
  for (const [i, rows] of matrices.entries()) write(run.parameter(`fc${i}/kernel`), rows.flat());
  return run;
}

/** A run over one dense layer with normal weights from a seed. */
export function normalRun(inputs: number, outputs: number, seed = 1): Run {
  return runOf(normal(inputs, outputs, seed));
}

/** A matrix of standard normal numbers (Box-Muller). */
export function normal(rows: number, columns: number, seed: number): number[][] {
  const draw = randomUniform(seed);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
  return Array.from({ length: rows }, () => Array.from({ length: columns }, gauss));
}

export function write(parameter: Parameter, values: readonly number[]): void {
  const tensor = tf.tensor(Float32Array.from(values), parameter.shape as number[]);
  parameter.variable.assign(tensor);
  tensor.dispose();
}

/** The weights of a parameter, or of the run's only kernel. */
export function weights(run: Run, name = 'fc0/kernel'): number[] {
  return Array.from(run.parameter(name).variable.dataSync(), (w) => w + 0); // no -0
}

/** The combined mask of a parameter, all ones if there is none. */
export function mask(run: Run, name = 'fc0/kernel'): number[] {
  const parameter = run.parameter(name);
  return [...(run.mask(parameter)?.dataSync() ?? new Float32Array(parameter.size).fill(1))];
}

export const count = (values: readonly number[], value: number): number =>
  values.filter((v) => v === value).length;

/** The moments of a schedule over epochs. */
export function moments(start: number, end: number, every: number): Moment[] {
  const size = Math.ceil((end - start) / every);
  return Array.from({ length: size }, (_, index) => {
    const epoch = start + index * every;
    return { ...once(), epoch, step: epoch, start, end, every, index, count: size };
  });
}

/** A pruner at work, to be fired more than once. */
export function start<S extends PrunerSession>(run: Run, pruner: Plugin<S>, state?: PluginState): Running<S> {
  const running = run.start(pruner, state && { state });
  if (running instanceof Running) return running;
  throw new Error(`${pruner.name} takes its time`);
}

/** What a session saves, as it comes back from a file. */
export function saved({ session }: Running): PluginState {
  const { json, arrays } = (session.save?.() ?? {}) as PluginState;
  return { json: JSON.parse(JSON.stringify(json ?? null)) as unknown, ...(arrays && { arrays }) };
}
