import type { Parameter } from '@espalier/core';
import { nameOf } from '../graph/places.js';
import type { Read, Trace } from '../graph/trace.js';

/** Channels that would be gone but for a constant that has nowhere to go. */
export interface Stuck {
  /** The layer that still needs them. */
  readonly layer: string;
  /** How many channels of what it reads. */
  readonly channels: number;
  readonly reason: string;
}

export interface Decision {
  /** Does the function of the model do without the class of this atom? */
  spare(atom: number): boolean;
  /** Is it removed? All that are spare, but for one where a tensor would have no channel left. */
  removed(atom: number): boolean;
  readonly stuck: readonly Stuck[];
}

/** What holds a read back from letting a channel go. */
type Hold = 'live' | 'padding' | 'masked bias' | undefined;

/**
 * Which classes of channels can go without a change to the outputs: all from which no path of weights other
 * than 0 leads to an output, where a channel that is constant counts as no path if its constant can be moved
 * into the bias of what reads it.
 *
 * @param held - Which entries of a bias may not be written to, because they are masked.
 */
export function decide(trace: Trace, held: (bias: Parameter) => ArrayLike<number> | undefined): Decision {
  const { atoms } = trace;
  const reads = [...trace.reads.values()].map((read) => ({
    read,
    inputs: atoms.classes(read.inputs),
    outputs: atoms.classes(read.outputs),
    free: read.bias === undefined ? undefined : held(read.bias),
  }));
  const live = new Set<number>();
  const lives = (root: number): boolean => live.has(root) || atoms.reason(root) !== undefined;

  const holdOf = ({ read, outputs, free }: (typeof reads)[number], i: number): Hold => {
    const { matrix, constants, foldable } = read;
    const c = constants[i];
    if (c === 0) return undefined;
    let hold: Hold;
    for (let j = 0; j < matrix.outputs; j++) {
      if (matrix.nonzero[i * matrix.outputs + j] === 0 || !lives(outputs[j])) continue;
      if (Number.isNaN(c)) return 'live';
      if (!foldable) return 'padding';
      if (free?.[j] === 0) hold = 'masked bias';
    }
    return hold;
  };

  for (let changed = true; changed; ) {
    changed = false;
    for (const entry of reads) {
      for (let i = 0; i < entry.inputs.length; i++) {
        const root = entry.inputs[i];
        if (lives(root) || holdOf(entry, i) === undefined) continue;
        live.add(root);
        changed = true;
      }
    }
  }
  const spare = (atom: number): boolean => !lives(atoms.find(atom));
  const stays = placeholders(trace, spare);
  return {
    spare,
    removed: (atom) => spare(atom) && !stays.has(atoms.find(atom)),
    stuck: stuckOf(reads, holdOf, trace),
  };
}

/** Every tensor keeps a channel: where all are spare, the first one stays, with nobody to read it. */
function placeholders(trace: Trace, spare: (atom: number) => boolean): Set<number> {
  const lists = [
    ...trace.tensors,
    ...[...trace.slots.values()].map((slot) => slot.atoms),
    ...[...trace.sizes.values()].map((size) => size.atoms),
  ];
  const stays = new Set<number>();
  for (const list of lists) {
    if (list.length === 0 || list.some((atom) => !spare(atom) || stays.has(trace.atoms.find(atom)))) continue;
    stays.add(trace.atoms.find(list[0]));
  }
  return stays;
}

type Entry = { readonly read: Read; readonly inputs: Int32Array };

/** Classes of which every read that holds them does so for the sake of a constant alone. */
function stuckOf<E extends Entry>(
  reads: readonly E[],
  holdOf: (entry: E, i: number) => Hold,
  trace: Trace,
): Stuck[] {
  const holds = new Map<number, { needed: boolean; by: Map<string, Exclude<Hold, undefined | 'live'>> }>();
  for (const entry of reads) {
    for (const [i, root] of entry.inputs.entries()) {
      if (trace.atoms.reason(root) !== undefined) continue;
      const hold = holdOf(entry, i);
      if (hold === undefined) continue;
      const own = holds.get(root) ?? { needed: false, by: new Map() };
      holds.set(root, own);
      if (hold === 'live') own.needed = true;
      else own.by.set(nameOf(entry.read.path), hold);
    }
  }
  const counts = new Map<string, Stuck>();
  for (const { needed, by } of holds.values()) {
    if (needed) continue;
    for (const [layer, hold] of by) {
      const key = `${layer} ${hold}`;
      const channels = (counts.get(key)?.channels ?? 0) + 1;
      counts.set(key, { layer, channels, reason: reasons[hold] });
    }
  }
  return [...counts.values()];
}

const reasons = {
  padding:
    'they are constant but not 0, and at the padded edges of a convolution (or in a recurrent state) that is no constant',
  'masked bias': 'they are constant but not 0, and the bias that would take the constant up is pruned',
} as const;
