import { type Flow, unknown } from '../flow.js';
import { nameOf } from '../places.js';
import type { Rule } from '../trace.js';
import { closed } from './opaque.js';

const spread = (constants: Float64Array, n: number): Float64Array =>
  constants.length === n ? constants : new Float64Array(n).fill(constants[0]);

/** Inputs channel by channel: all that meet are tied. */
const merge =
  (combine: (values: readonly number[]) => number): Rule =>
  (site, inputs, trace) => {
    const n = Math.max(...inputs.map(({ atoms }) => atoms.length));
    const [{ atoms }] = inputs.filter((input) => input.atoms.length === n);
    for (const input of inputs) {
      if (input.atoms.length === n) trace.atoms.union(atoms, input.atoms);
      else trace.atoms.protect(input.atoms, `${nameOf(site.path)} spreads it over all channels`);
    }
    const all = inputs.map(({ constants }) => spread(constants, n));
    const constants = Float64Array.from({ length: n }, (_, i) => combine(all.map((c) => c[i])));
    return [{ shape: site.outputShapes[0], atoms, constants }];
  };

/** A product with 0 is 0 whatever the rest is. */
const product = (values: readonly number[]): number =>
  values.includes(0) ? 0 : values.reduce((a, b) => a * b);

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;

const concatenate: Rule = (site, inputs, trace) => {
  const rank = inputs[0].shape.length + 1;
  const { axis = -1 } = site.layer;
  const at = (axis as number) < 0 ? (axis as number) + rank : (axis as number);
  if (at === rank - 1) {
    const atoms = Int32Array.from(inputs.flatMap((input) => [...input.atoms]));
    const constants = Float64Array.from(inputs.flatMap((input) => [...input.constants]));
    return [{ shape: site.outputShapes[0], atoms, constants }];
  }
  const same = (values: readonly number[]): number =>
    values.every((v) => v === values[0]) ? values[0] : Number.NaN;
  if (inputs.some((input) => input.atoms.length !== inputs[0].atoms.length)) {
    return closed(site, inputs, trace, 'joins tensors with different numbers of channels');
  }
  return merge(same)(site, inputs, trace);
};

export const mergers: Readonly<Record<string, Rule>> = {
  Add: merge((values) => values.reduce((a, b) => a + b)),
  Average: merge(mean),
  Multiply: merge(product),
  Maximum: merge((values) => Math.max(...values)),
  Minimum: merge((values) => Math.min(...values)),
  Concatenate: concatenate,
};

/** Two flows as one, as a bidirectional wrapper joins them. */
export function mergeTwo(
  mode: 'concat' | 'sum' | 'mul' | 'ave',
  forward: Flow,
  backward: Flow,
): { readonly atoms: Int32Array; readonly constants: Float64Array } {
  if (mode === 'concat') {
    return {
      atoms: Int32Array.from([...forward.atoms, ...backward.atoms]),
      constants: Float64Array.from([...forward.constants, ...backward.constants]),
    };
  }
  const combine = {
    sum: (a: number, b: number) => a + b,
    mul: (a: number, b: number) => product([a, b]),
    ave: (a: number, b: number) => (a + b) / 2,
  }[mode];
  const constants = unknown(forward.constants.length).map((_, i) =>
    combine(forward.constants[i], backward.constants[i]),
  );
  return { atoms: forward.atoms, constants };
}
