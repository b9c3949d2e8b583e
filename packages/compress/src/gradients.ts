import * as tf from '@tensorflow/tfjs-core';

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
  if (wrt.length === 0) return [];
  const engine = tf.engine() as unknown as Engine;
  let tape: readonly TapeNode[] = [];
  let outputs: tf.Tensor[] = [];
  try {
    engine.startTape();
    try {
      outputs = await forward();
    } finally {
      tape = takeTape(engine);
    }
    return tf.tidy(() => {
      const { grads } = engine.gradients(
        () => {
          for (const node of tape) engine.state.activeTape?.push(node);
          return loss(outputs);
        },
        [...wrt],
        undefined,
        true,
      );
      return grads.map((grad) => grad?.dataSync() as Float32Array | undefined);
    });
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
