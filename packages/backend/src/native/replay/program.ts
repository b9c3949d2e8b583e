import type { NativeBackend, ProgramSpec } from '../ops.js';
import type { Matched } from './match.js';
import type { Source, Trace } from './trace.js';

/** A step as a program of the addon: its inputs are the values from outside, then the numbers. */
export interface StepProgram {
  readonly id: number;
  /** What its results are, in their order. */
  readonly results: readonly Source[];
  /** For each numbers of the trace the id of a tensor that all runs use; undefined where each run makes one. */
  readonly constants: readonly (number | undefined)[];
  dispose(): void;
}

/** Makes the program of a step that is like the others. */
export function compile(backend: NativeBackend, step: Trace, { outside, carried }: Matched): StepProgram {
  const { binding } = backend;
  const given = outside.length + step.numbers.length;
  const firsts: number[] = [];
  let slots = given;
  for (const { ids } of step.calls) {
    firsts.push(slots);
    slots += ids.length;
  }
  const slotOf = (source: Source): number => {
    const [kind, i, output] = source.split(' ');
    if (kind === 'outside') return Number(i);
    return kind === 'numbers' ? outside.length + Number(i) : firsts[Number(i)] + Number(output);
  };
  const constants = step.numbers.map(({ shape, dtype, values, make }) =>
    make ? undefined : binding.createTensor(shape, dtype, values.slice()),
  );
  const taken = [
    ...outside.map((one) => (one.is === 'carried' ? 1 : 0)),
    ...constants.map((id) => (id === undefined ? 1 : 0)),
  ] as const;
  const results = [...carried.keys()];
  const stays = new Set(results.map(slotOf));
  for (const [slot, flag] of taken.entries()) if (flag === 0) stays.add(slot);
  const inputs = step.calls.map((call) => call.inputs.map(slotOf));
  // A slot is freed by its last call; what no call wants, by the next one.
  const lastCall = new Map<number, number>();
  for (const [i, { ids }] of step.calls.entries()) {
    for (const slot of inputs[i]) lastCall.set(slot, i);
    for (const k of ids.keys()) lastCall.set(firsts[i] + k, Math.min(i + 1, step.calls.length - 1));
  }
  const freed = step.calls.map((): number[] => []);
  for (const [slot, i] of lastCall) if (!stays.has(slot) && slot < firsts[i]) freed[i].push(slot);
  const spec: ProgramSpec = {
    slots,
    calls: step.calls.map(({ op, attributes, ids }, i) => ({
      op,
      attributes,
      inputs: inputs[i],
      freed: freed[i],
      outputs: [firsts[i], ids.length],
    })),
    results: results.map(slotOf),
    taken,
  };
  const id = binding.createProgram!(spec);
  return {
    id,
    results,
    constants,
    dispose() {
      binding.deleteProgram!(id);
      for (const constant of constants) if (constant !== undefined) binding.deleteTensor(constant);
    },
  };
}
