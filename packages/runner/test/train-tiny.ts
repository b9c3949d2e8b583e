import {
  createTrainer,
  type OptimizerFactories,
  packState,
  type Schedule,
  unpackState,
} from '@espalier/core';
import { dataOf, net } from './every-plugin.js';

/** Of weights and losses after six steps, relative beyond 1; both compute in float32 and add up in different orders. */
export const tolerance = 2e-3;

export interface Trained {
  readonly losses: number[];
  readonly weights: Float32Array[];
  /** The state as bytes. */
  readonly bytes: Uint8Array;
}

/** Three epochs of two steps, in one go or stopped after the first and resumed from bytes. */
export async function train(
  make: () => Schedule,
  optimizers: OptimizerFactories | undefined,
  resumed = false,
): Promise<Trained> {
  const begin = async (states?: readonly Uint8Array[]) => {
    const run = net();
    if (states !== undefined) run.load(unpackState(states[0]));
    const options = {
      data: dataOf(2),
      epochs: 3,
      learningRate: 0.01,
      schedules: [make()],
      ...(optimizers && { optimizers }),
    };
    return { run, trainer: await createTrainer(run, options, states && unpackState(states[1])) };
  };
  let now = await begin();
  if (resumed) {
    await now.trainer.nextEpoch();
    const states = [packState(await now.run.save()), packState(await now.trainer.save())];
    now.trainer.dispose();
    now.run.dispose();
    now.run.model.dispose();
    now = await begin(states);
  }
  const { run, trainer } = now;
  while (!trainer.done) await trainer.nextEpoch();
  const bytes = packState(await run.save());
  const weights = await Promise.all(run.model.getWeights().map(async (w) => (await w.data()).slice()));
  const losses = trainer.history.map(({ loss }) => loss);
  await trainer.finish();
  run.dispose();
  run.model.dispose();
  return { losses, weights: weights as Float32Array[], bytes };
}

/** Where the convolution's bias comes among the weights. */
const bias = 1;

const isNear = (value: number, right: number): boolean =>
  Math.abs(value - right) <= tolerance * Math.max(1, Math.abs(right));

/** The first number that is not the CPU's, in words. */
export function difference(
  gpu: { readonly losses: readonly number[]; readonly weights: readonly ArrayLike<number>[] },
  cpu: Trained,
): string | undefined {
  for (const [i, loss] of cpu.losses.entries()) {
    if (!isNear(gpu.losses[i], loss)) return `the loss is ${gpu.losses[i]}, on the CPU ${loss}`;
  }
  for (const [t, values] of cpu.weights.entries()) {
    // A bias before a batch normalisation has no gradient but rounding, which Adam scales up.
    if (t === bias) continue;
    for (const [i, value] of values.entries()) {
      if (isNear(gpu.weights[t][i], value)) continue;
      return `weight ${i} of tensor ${t} is ${gpu.weights[t][i]}, on the CPU ${value}`;
    }
  }
  return undefined;
}
