import type * as tf from '@tensorflow/tfjs-core';
import type { Binding, NativeBackend, OpAttribute, Stored } from '../ops.js';
import { collectEffects, makerOf, type Numbers } from './every-step.js';

/** Where a value comes from: from outside of the step, from JavaScript, or out of a call. */
export type Source = `outside ${number}` | `numbers ${number}` | `call ${number} ${number}`;

/** One call of an op. */
export interface TracedCall {
  readonly op: string;
  readonly attributes: readonly OpAttribute[];
  readonly inputs: readonly Source[];
  /** The ids of its outputs, and their shapes. */
  readonly ids: readonly number[];
  readonly shapes: readonly (readonly number[])[];
}

/** Numbers that JavaScript has brought in. */
export interface TracedNumbers {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: Numbers;
  /** Makes those of another step; without, they are the same in all. */
  readonly make: (() => Numbers) | undefined;
  readonly id: number;
}

/** Where TF.js keeps a value that was used or made in the step. */
export interface Place {
  readonly dataId: tf.DataId;
  readonly stored: Stored;
}

/** What a step has asked of the addon. */
export interface Trace {
  readonly calls: readonly TracedCall[];
  readonly numbers: readonly TracedNumbers[];
  /** Ids of the values from outside, in the order of their first use. */
  readonly outside: readonly number[];
  /** What it made and left behind: sources by ids. */
  readonly left: ReadonlyMap<number, Source>;
  /** What it deleted, which is alive until `forget`. */
  readonly deleted: ReadonlySet<number>;
  readonly places: readonly Place[];
  /** What JavaScript does at every step, beside numbers. */
  readonly effects: readonly (() => void)[];
  /** Why no other step can be a replay of it. */
  readonly reason: string | undefined;
  /** Deletes what the step deleted. */
  forget(): void;
}

/**
 * Takes a step and traces what it asks of the addon. The step may say why it cannot be replayed. Values that it deletes stay alive until `forget`: so the trace can be
 * run again on what was there before.
 */
export function trace(backend: NativeBackend, step: () => string | undefined): Trace {
  const { binding, tensorMap } = backend;
  const sources = new Map<number, Source>();
  const made = new Set<number>();
  const calls: TracedCall[] = [];
  const numbers: TracedNumbers[] = [];
  const outside: number[] = [];
  const deleted = new Set<number>();
  const places = new Map<Stored, tf.DataId>();
  const effects: (() => void)[] = [];
  let reason: string | undefined;

  const make = (id: number, source: Source): void => {
    sources.set(id, source);
    made.add(id);
  };
  const sourceOf = (id: number): Source => {
    let source = sources.get(id);
    if (source === undefined) {
      source = `outside ${outside.push(id) - 1}`;
      sources.set(id, source);
    }
    return source;
  };
  const traced = Object.create(binding, {
    executeOp: {
      value(op: string, attributes: readonly OpAttribute[], inputs: readonly number[], count: number) {
        const from = inputs.map(sourceOf);
        const outputs = binding.executeOp(op, attributes, inputs, count);
        const ids = outputs.map(({ id }) => id);
        for (const [i, id] of ids.entries()) make(id, `call ${calls.length} ${i}`);
        calls.push({ op, attributes, inputs: from, ids, shapes: outputs.map(({ shape }) => shape) });
        return outputs;
      },
    },
    createTensor: {
      value(shape: readonly number[], dtype: number, values: Numbers) {
        const id = binding.createTensor(shape, dtype, values);
        make(id, `numbers ${numbers.length}`);
        numbers.push({ shape: [...shape], dtype, values, make: makerOf(values), id });
        return id;
      },
    },
    deleteTensor: { value: (id: number) => void deleted.add(id) },
    tensorDataSync: {
      value(id: number) {
        reason ??= 'it reads values';
        return binding.tensorDataSync(id);
      },
    },
    createProgram: { value: undefined }, // Who runs programs runs their calls one by one.
  }) as Binding;
  const { get, set } = tensorMap;
  backend.binding = traced;
  tensorMap.get = (dataId) => {
    const stored = get.call(tensorMap, dataId);
    if (stored !== undefined) places.set(stored, dataId);
    return stored;
  };
  tensorMap.set = (dataId, stored) => {
    places.set(stored, dataId);
    set.call(tensorMap, dataId, stored);
  };
  const forget = (): void => {
    for (const id of deleted) binding.deleteTensor(id);
  };
  try {
    collectEffects(effects, () => {
      const said = step();
      reason ??= said;
    });
  } catch (error) {
    forget();
    throw error;
  } finally {
    backend.binding = binding;
    Object.assign(tensorMap, { get, set });
  }
  const left = new Map<number, Source>();
  for (const id of made) if (!deleted.has(id)) left.set(id, sources.get(id)!);
  return {
    calls,
    numbers,
    outside,
    left,
    deleted,
    places: [...places].map(([stored, dataId]) => ({ stored, dataId })),
    effects,
    reason,
    forget,
  };
}
