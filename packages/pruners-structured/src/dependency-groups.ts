import type { Parameter } from '@espalier/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { follow } from './graph/follow.js';
import type { Part, Trace } from './graph/trace.js';

export type { Part } from './graph/trace.js';

/** An axis of a weight tensor that runs along the units of a group. */
export interface GroupMember {
  readonly parameter: Parameter;
  readonly axis: number;
  /**
   * `'produces'`: the layer makes these units; `'carries'`: it works on each by itself (batch normalisation,
   * depthwise); `'reads'`: it takes them in.
   */
  readonly part: Part;
  /** Unit of each index along the axis, -1 where the index belongs to another group. */
  readonly units: Int32Array;
}

/** Units (filters, channels, neurons) that are tied one to one across layers: unit i of all goes or stays. */
export interface DependencyGroup {
  /** The layers that make the units, joined by `+`; `inputs of …` for what no layer makes. */
  readonly name: string;
  /** How many units. */
  readonly size: number;
  readonly members: readonly GroupMember[];
}

/** A group whose units cannot go, and why. */
export interface RefusedGroup extends DependencyGroup {
  readonly reason: string;
}

/** Units that go together, and those that cannot go, each with why. */
export interface DependencyGroups {
  readonly groups: readonly DependencyGroup[];
  readonly refused: readonly RefusedGroup[];
}

/**
 * Which units of a model are tied together, found from its graph: through batch normalisation and activations,
 * flattening, depthwise and separable convolutions, residual sums and concatenations, shared layers, nested
 * models, recurrent layers and wrappers. Units of one group can be removed together without a change to the
 * rest; what cannot be removed is refused with the reason (the model's inputs and outputs, softmax, layers that
 * this package does not follow).
 *
 * @throws EspalierError `unsupported-layer` for a model that is not built
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { dependencyGroups } from '@espalier/pruners-structured';
 * const input = tfl.input({ shape: [8, 8, 3] });
 * const conv = (name: string): tfl.layers.Layer =>
 *   tfl.layers.conv2d({ name, filters: 4, kernelSize: 3, padding: 'same' });
 * const a = conv('a').apply(input) as tfl.SymbolicTensor;
 * const b = conv('b').apply(a) as tfl.SymbolicTensor;
 * const sum = tfl.layers.add().apply([a, b]) as tfl.SymbolicTensor;
 * const output = tfl.layers.dense({ name: 'fc', units: 2 }).apply(sum) as tfl.SymbolicTensor;
 * const { groups, refused } = dependencyGroups(tfl.model({ inputs: input, outputs: output }));
 * if (groups.map((g) => `${g.name} ${g.size}`).join() !== 'a+b 4') throw new Error('unexpected');
 * if (!refused.some((g) => g.name === 'fc' && g.reason === "they are the model's outputs")) throw new Error();
 * ```
 */
export function dependencyGroups(model: LayersModel): DependencyGroups {
  return groupsOf(follow(model)).found;
}

/** The groups of a trace, and for each class of atoms its group and unit. */
export function groupsOf(trace: Trace): {
  readonly found: DependencyGroups;
  readonly places: ReadonlyMap<number, { readonly group: DependencyGroup; readonly unit: number }>;
} {
  const order = new Map(trace.parameters.map((p, i) => [p, i]));
  const slots = [...trace.slots.values()].sort(
    (a, b) => order.get(a.parameter)! - order.get(b.parameter)! || a.axis - b.axis,
  );
  // Classes are of one group when they lie along the same axes, for the same reason if they must stay.
  const touched = new Map<number, Set<number>>();
  for (const [s, { atoms }] of slots.entries()) {
    for (const root of trace.atoms.classes(atoms)) {
      const own = touched.get(root) ?? new Set<number>();
      touched.set(root, own.add(s));
    }
  }
  const bySignature = new Map<string, number[]>();
  for (const [root, own] of touched) {
    const signature = `${[...own].join()} ${trace.atoms.reason(root) ?? ''}`;
    bySignature.set(signature, [...(bySignature.get(signature) ?? []), root]);
  }
  const groups: DependencyGroup[] = [];
  const refused: RefusedGroup[] = [];
  const places = new Map<number, { group: DependencyGroup; unit: number }>();
  const names = new Map<string, number>();
  for (const roots of bySignature.values()) {
    roots.sort((a, b) => a - b);
    const unitOf = new Map(roots.map((root, unit) => [root, unit]));
    const members = [...touched.get(roots[0])!].map((s): GroupMember => {
      const { parameter, axis, part, atoms } = slots[s];
      return { parameter, axis, part, units: trace.atoms.classes(atoms).map((r) => unitOf.get(r) ?? -1) };
    });
    const makers = members.filter(({ part, parameter }) => part === 'produces' && parameter.role !== 'bias');
    const layers = [...new Set((makers.length > 0 ? makers : members).map(layerName))].join('+');
    const title = makers.length > 0 ? layers : `inputs of ${layers}`;
    const count = (names.get(title) ?? 0) + 1;
    names.set(title, count);
    const group = { name: count === 1 ? title : `${title}#${count}`, size: roots.length, members };
    const reason = trace.atoms.reason(roots[0]);
    if (reason === undefined) groups.push(group);
    else refused.push({ ...group, reason });
    for (const [root, unit] of unitOf) places.set(root, { group, unit });
  }
  return { found: { groups, refused }, places };
}

const layerName = ({ parameter }: GroupMember): string =>
  parameter.name.slice(0, parameter.name.lastIndexOf('/'));
