import { BackendError } from '../error.js';

/** An optimizer's state: its step count and, by variable name, its slots. Compatible with `@espalier/core`. */
export interface FusedState {
  readonly step: number;
  readonly slots: Readonly<Record<string, Readonly<Record<string, Float32Array>>>>;
}

/** Throws unless `state` fits the variables (name to size) and slots exactly. */
export function checkState(
  state: FusedState,
  sizes: ReadonlyMap<string, number>,
  slotNames: readonly string[],
): void {
  const fail = (what: string): never => {
    throw new BackendError('optimizer', what, 'Restore a state that was saved with the same model.');
  };
  if (!Number.isSafeInteger(state.step) || state.step < 0)
    fail(`the step count ${state.step} is not a count`);
  for (const name of Object.keys(state.slots)) {
    if (!sizes.has(name)) fail(`the state holds "${name}", which the optimizer does not train`);
  }
  for (const [name, size] of sizes) {
    const slots = state.slots[name] ?? {};
    for (const slot of Object.keys(slots)) {
      if (!slotNames.includes(slot))
        fail(`"${name}" has a slot "${slot}" that this update rule does not know`);
    }
    for (const slot of slotNames) {
      const found = slots[slot]?.length;
      if (found === undefined) fail(`the state lacks the slot "${slot}" of "${name}"`);
      if (found !== size) fail(`slot "${slot}" of "${name}" has ${found} values instead of ${size}`);
    }
  }
}
