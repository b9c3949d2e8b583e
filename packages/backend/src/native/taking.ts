import type { Binding, NativeBackend } from './ops.js';

const programs = new WeakMap<Binding, Map<string, number>>();

/**
 * Runs an op without attributes that may write into the memory of inputs which nobody else holds. Those `taken` are
 * deleted with the call.
 *
 * @returns the ids of its outputs
 */
export function executeTaking(
  { binding }: NativeBackend,
  op: string,
  inputs: readonly number[],
  outputs: number,
  taken: readonly boolean[],
): number[] {
  if (binding.createProgram === undefined) {
    const made = binding.executeOp(op, [], inputs, outputs);
    for (const [i, id] of inputs.entries()) if (taken[i]) binding.deleteTensor(id);
    return made.map(({ id }) => id);
  }
  let known = programs.get(binding);
  if (!known) {
    known = new Map();
    programs.set(binding, known);
  }
  const key = `${op} ${taken}`;
  let program = known.get(key);
  if (program === undefined) {
    const slots = inputs.map((_, i) => i);
    program = binding.createProgram({
      slots: inputs.length + outputs,
      calls: [
        {
          op,
          attributes: [],
          inputs: slots,
          freed: slots.filter((i) => taken[i]),
          outputs: [inputs.length, outputs],
        },
      ],
      results: Array.from({ length: outputs }, (_, i) => inputs.length + i),
      taken: inputs.map((_, i) => (taken[i] ? 1 : 0)),
    });
    known.set(key, program);
  }
  return binding.runProgram!(program, inputs, true);
}
