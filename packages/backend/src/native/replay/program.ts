import type { NativeBackend, ProgramSpec } from '../ops.js';
import { fuse } from './fuse.js';
import type { Matched } from './match.js';
import { simplify } from './simplify.js';
import type { Source, Trace } from './trace.js';

/** A step as a program of the addon: its inputs are the values from outside, then numbers. */
export interface StepProgram {
  readonly id: number;
  /** What its results are, in their order. */
  readonly results: readonly Source[];
  /** The numbers: which of the trace, and the id of a tensor that all runs use; undefined where each run makes one. */
  readonly numbers: readonly { readonly index: number; readonly constant: number | undefined }[];
  dispose(): void;
}

/** Makes the program of a step that is like the others. */
export function compile(backend: NativeBackend, step: Trace, { outside, carried }: Matched): StepProgram {
  const { binding } = backend;
  const results = [...carried.keys()];
  const { calls: needed, numbers: given } = simplify(step, new Set(results));
  const calls = fuse(needed, new Set(results));
  const numbers = given.map((index) => {
    const { shape, dtype, values, make } = step.numbers[index];
    return { index, constant: make ? undefined : binding.createTensor(shape, dtype, values.slice()) };
  });
  const numberSlots = new Map(numbers.map(({ index }, i) => [index, outside.length + i]));
  const firsts = new Map<number, number>();
  let slots = outside.length + numbers.length;
  for (const { ids, index } of calls) {
    firsts.set(index, slots);
    slots += ids.length;
  }
  const slotOf = (source: Source): number => {
    const [kind, i, output] = source.split(' ');
    if (kind === 'outside') return Number(i);
    return kind === 'numbers' ? numberSlots.get(Number(i))! : firsts.get(Number(i))! + Number(output);
  };
  const taken = [
    ...outside.map((one) => (one.is === 'carried' ? 1 : 0)),
    ...numbers.map(({ constant }) => (constant === undefined ? 1 : 0)),
  ] as const;
  const stays = new Set(results.map(slotOf));
  for (const [slot, flag] of taken.entries()) if (flag === 0) stays.add(slot);
  const inputs = calls.map((call) => call.inputs.map(slotOf));
  // A slot is freed by its last call; what no call wants, by the next one.
  const lastCall = new Map<number, number>();
  for (const [i, { ids, index }] of calls.entries()) {
    for (const slot of inputs[i]) lastCall.set(slot, i);
    for (const k of ids.keys()) lastCall.set(firsts.get(index)! + k, Math.min(i + 1, calls.length - 1));
  }
  const freed = calls.map((): number[] => []);
  for (const [slot, i] of lastCall)
    if (!stays.has(slot) && slot < firsts.get(calls[i].index)!) freed[i].push(slot);
  const spec: ProgramSpec = {
    slots,
    calls: calls.map(({ op, attributes, ids, index }, i) => ({
      op,
      attributes,
      inputs: inputs[i],
      freed: freed[i],
      outputs: [firsts.get(index)!, ids.length],
    })),
    results: results.map(slotOf),
    taken,
  };
  const id = binding.createProgram!(spec);
  return {
    id,
    results,
    numbers,
    dispose() {
      binding.deleteProgram!(id);
      for (const { constant } of numbers) if (constant !== undefined) binding.deleteTensor(constant);
    },
  };
}
