import * as tf from '@tensorflow/tfjs-core';
import { countedSeconds, spend } from '../time-budget.js';
import { withGradients } from './missing-gradients.js';

interface TapeNode {
  readonly saved?: readonly tf.Tensor[];
}

/** What TF.js keeps to itself: `tf.grads` wants the forward pass to come back at once. */
interface Engine {
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number };
  startTape(): void;
  endTape(): void;
  gradients(
    f: () => tf.Tensor,
    xs: tf.Tensor[],
    dy: undefined,
    allowNone: true,
  ): { readonly grads: readonly (tf.Tensor | null | undefined)[] };
}

/**
 * Slopes of `loss` of what `forward` computes, by each of `wrt`; undefined for a tensor that the loss does not depend on.
 * Undefined altogether where an operation has no gradient on this backend. Leaves no tensor, whatever happens.
 *
 * @throws what `forward` throws
 */
export async function gradients(
  forward: () => Promise<tf.Tensor[]>,
  loss: (outputs: readonly tf.Tensor[]) => tf.Tensor,
  wrt: readonly tf.Tensor[],
): Promise<(Float32Array | undefined)[] | undefined> {
  return wrt.length === 0 ? [] : withGradients(() => slopesOf(forward, loss, wrt));
}

async function slopesOf(
  forward: () => Promise<tf.Tensor[]>,
  loss: (outputs: readonly tf.Tensor[]) => tf.Tensor,
  wrt: readonly tf.Tensor[],
): Promise<(Float32Array | undefined)[] | undefined> {
  const engine = tf.engine() as unknown as Engine;
  let tape: readonly TapeNode[] = [];
  let outputs: tf.Tensor[] = [];
  try {
    engine.startTape();
    const before = countedSeconds();
    try {
      outputs = await forward();
      // The way back takes about two products for each of the way there.
      spend(2 * (countedSeconds() - before));
    } finally {
      tape = takeTape(engine);
    }
    const slopes: (Float32Array | undefined)[] = [];
    tf.tidy(() => {
      const { grads } = engine.gradients(
        () => {
          for (const node of tape) engine.state.activeTape?.push(node);
          return loss(outputs);
        },
        [...wrt],
        undefined,
        true,
      );
      // Not as what `tidy` returns: it would look for tensors in each of their elements.
      for (const grad of grads) slopes.push(grad?.dataSync() as Float32Array | undefined);
    });
    return slopes;
  } catch (error) {
    // The forward pass went well: it is the way back that is missing.
    if (outputs.length > 0) return undefined;
    throw error;
  } finally {
    tf.dispose(outputs);
    // TF.js frees what the way back needs only where that way was gone to its end.
    for (const { saved = [] } of [...tape, ...(engine.state.activeTape ?? [])]) tf.dispose([...saved]);
    engine.state.activeTape = null;
  }
}

function takeTape(engine: Engine): readonly TapeNode[] {
  const tape = engine.state.activeTape ?? [];
  engine.endTape();
  engine.state.activeTape = null;
  return tape;
}
