/**
 * Numbers that are new at every step, and things that JavaScript does at every step, of a step that is recorded and then
 * replayed. Who makes a tensor of such numbers says so by marking their array; `perStep` of `@espalier/core` does the same,
 * by the same symbol, for plugins.
 */
const mark: unique symbol = Symbol.for('espalier.perStep') as never;

export type Numbers = Float32Array | Int32Array | Uint8Array;

type Marked = Numbers & { [mark]?: () => Numbers };

/** The numbers of this step, marked with how those of the next ones are made. */
export function perStep<T extends Numbers>(make: () => T): T {
  return Object.defineProperty(make(), mark, { value: make });
}

/** How numbers are made anew, where they are marked. */
export function makerOf(values: unknown): (() => Numbers) | undefined {
  return (values as Marked | null)?.[mark];
}

let effects: (() => void)[] | undefined;

/** Does something now, and at every step that is a replay of this one. */
export function everyStep(work: () => void): void {
  effects?.push(work);
  work();
}

/** Calls `step`, and notes in `into` what it does by `everyStep`. */
export function collectEffects(into: (() => void)[], step: () => void): void {
  effects = into;
  try {
    step();
  } finally {
    effects = undefined;
  }
}
