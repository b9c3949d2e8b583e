import * as tf from '@tensorflow/tfjs-core';

/** One call of a TF.js kernel. */
export interface KernelCall {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** What happens around every kernel call. */
export interface KernelHooks {
  /** Another tensor to take in place of `tensor`, or undefined. */
  readonly replace?: (tensor: tf.Tensor) => tf.Tensor | undefined;
  /** Sees the call, and what came out. */
  readonly after?: (call: KernelCall, outputs: readonly tf.Tensor[]) => void;
}

type RunKernel = (kernel: string, inputs: object, attrs?: object) => tf.Tensor | tf.Tensor[];

/** Puts the hooks around every kernel call, until the function that it returns is called. */
function install(hooks: KernelHooks): () => void {
  const engine = tf.engine() as unknown as { runKernel: RunKernel };
  const own = Object.getOwnPropertyDescriptor(engine, 'runKernel');
  const original = engine.runKernel;
  let inside = false;
  const swap = (value: unknown): unknown => (value instanceof tf.Tensor && hooks.replace?.(value)) || value;
  engine.runKernel = function (this: unknown, kernel, inputs, attrs): tf.Tensor | tf.Tensor[] {
    if (inside) return original.call(engine, kernel, inputs, attrs);
    inside = true;
    try {
      const given = hooks.replace
        ? Array.isArray(inputs)
          ? inputs.map(swap)
          : Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, swap(value)]))
        : inputs;
      const result = original.call(engine, kernel, given as object, attrs);
      hooks.after?.(
        {
          kernel,
          inputs: given as Record<string, tf.Tensor>,
          attrs: (attrs ?? {}) as Record<string, unknown>,
        },
        Array.isArray(result) ? result : [result],
      );
      return result;
    } finally {
      inside = false;
    }
  };
  return () => {
    if (own) Object.defineProperty(engine, 'runKernel', own);
    else Reflect.deleteProperty(engine, 'runKernel');
  };
}

/**
 * Runs `action` and lets `hooks` see every kernel call on the way: so layers models and graph models, with whatever
 * layers and operations, are watched and changed alike. Calls that hooks make themselves are not seen.
 */
export function intercept<T>(hooks: KernelHooks, action: () => T): T {
  const remove = install(hooks);
  try {
    return action();
  } finally {
    remove();
  }
}

/** Those that wait for something wait for each other, or one would take away the other's hooks. */
let last: Promise<unknown> = Promise.resolve();

/** The same for an action that takes its time. What its kernels made is disposed when it fails. */
export async function interceptAsync<T>(hooks: KernelHooks, action: () => Promise<T>): Promise<T> {
  const turn = last.then(async () => {
    const made: tf.Tensor[] = [];
    const remove = install({
      ...hooks,
      after: (call, outputs) => {
        made.push(...outputs);
        hooks.after?.(call, outputs);
      },
    });
    try {
      return await action();
    } catch (error) {
      for (const tensor of made) if (!tensor.isDisposed) tensor.dispose();
      throw error;
    } finally {
      remove();
    }
  });
  last = turn.catch(() => undefined);
  return turn;
}
