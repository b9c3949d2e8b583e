import type { Flow } from '../flow.js';
import type { Rule, Site, Trace } from '../trace.js';
import { channelsLast, closed } from './opaque.js';

/** `list` over and over until there are `n`. */
export function tile(list: Int32Array, n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => list[i % list.length]);
}

/**
 * Channels through a reshape (row-major): element e of an example lies in channel e mod C before and e mod D
 * after. When one of C and D divides the other, whole channels go with whole channels.
 */
function reshaped(site: Site, inputs: readonly Flow[], trace: Trace, key?: 'target_shape'): readonly Flow[] {
  const [input] = inputs;
  const shape = site.outputShapes[0];
  const [before, after] = [input.atoms.length, shape.at(-1) ?? null];
  if (after === null || (before % after !== 0 && after % before !== 0)) {
    return closed(site, inputs, trace, 'reshapes in a way through which channels cannot be followed');
  }
  let atoms: Int32Array;
  let constants: Float64Array;
  if (after >= before) {
    atoms = tile(input.atoms, after);
    constants = Float64Array.from({ length: after }, (_, i) => input.constants[i % before]);
  } else {
    // Channels j, j + D, j + 2D, … become one.
    trace.atoms.union(input.atoms, tile(input.atoms.slice(0, after), before));
    atoms = input.atoms.slice(0, after);
    constants = input.constants.slice(0, after);
    for (const [i, c] of input.constants.entries()) {
      if (constants[i % after] !== c) constants[i % after] = Number.NaN;
    }
  }
  if (key !== undefined) trace.size(site.path, key, atoms);
  return [{ shape, atoms, constants }];
}

const permute: Rule = (site, inputs, trace) => {
  const { dims = [] } = site.layer;
  if (dims.at(-1) !== dims.length) return closed(site, inputs, trace, 'moves the channels to another axis');
  return [{ ...inputs[0], shape: site.outputShapes[0] }];
};

export const reshapers: Readonly<Record<string, Rule>> = {
  Flatten: channelsLast((site, inputs, trace) => reshaped(site, inputs, trace)),
  Reshape: (site, inputs, trace) => reshaped(site, inputs, trace, 'target_shape'),
  Permute: permute,
};
