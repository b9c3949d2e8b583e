import { Finder, type Step } from './lz-finder.js';

/** Copies longer than this are taken whole, without a look at other ways. */
const LONG = 128;
/** How often the costs are learned from the steps that they led to. */
const ROUNDS = 3;

/**
 * The steps of least cost, by dynamic programming over all positions; costs are the entropies of what the steps before
 * were. The first round's steps are given.
 */
export function cheapest(
  data: Uint8Array,
  itemBytes: number,
  depth: number,
  known: number,
  first: readonly Step[],
): Step[] {
  let steps = first as Step[];
  for (let round = 0; round < ROUNDS; round++) {
    steps = parse(data, itemBytes, depth, known, costsOf(data, itemBytes, known, steps));
  }
  return steps;
}

/** Bits of each symbol, in the contexts of `LzModel`. */
interface Costs {
  readonly kind: Float64Array;
  readonly literal: Float64Array;
  readonly again: Float64Array;
  /** By whether the distance is the last one: the size of a length. */
  readonly length: Float64Array;
  /** By the least of length - 2 and 2: the size of a distance. */
  readonly distance: Float64Array;
}

const sizeOf = (n: number): number => 31 - Math.clz32(n);

function costsOf(data: Uint8Array, itemBytes: number, known: number, steps: readonly Step[]): Costs {
  const costs = {
    kind: new Float64Array(itemBytes * 4),
    literal: new Float64Array(4096),
    again: new Float64Array(4),
    length: new Float64Array(64),
    distance: new Float64Array(96),
  };
  let [position, copied, last] = [known, 0, 0];
  for (const { length, distance } of steps) {
    const place = position % itemBytes;
    costs.kind[(place * 2 + copied) * 2 + (distance ? 1 : 0)]++;
    if (distance === 0) {
      costs.literal[literalAt(data, itemBytes, position, copied)]++;
      copied = 0;
    } else {
      const again = distance === last ? 1 : 0;
      costs.again[copied * 2 + again]++;
      costs.length[again * 32 + sizeOf(length - 1)]++;
      if (!again) costs.distance[Math.min(length - 2, 2) * 32 + sizeOf(distance)]++;
      copied = 1;
      last = distance;
    }
    position += length;
  }
  toBits(costs.kind, 2, 0.5);
  toBits(costs.literal, 256, 0.08);
  toBits(costs.again, 2, 0.5);
  toBits(costs.length, 32, 0.2);
  toBits(costs.distance, 32, 0.2);
  return costs;
}

/** Counts to bits, `group` of them at a time. */
function toBits(counts: Float64Array, group: number, prior: number): void {
  for (let start = 0; start < counts.length; start += group) {
    let sum = 0;
    for (let i = start; i < start + group; i++) sum += counts[i] + prior;
    for (let i = start; i < start + group; i++) counts[i] = -Math.log2((counts[i] + prior) / sum);
  }
}

function literalAt(data: Uint8Array, itemBytes: number, position: number, copied: number): number {
  const place = itemBytes === 1 ? (data[position - 1] ?? 0) >> 5 : position % itemBytes;
  return (place * 2 + copied) * 256 + data[position];
}

function parse(data: Uint8Array, itemBytes: number, depth: number, known: number, costs: Costs): Step[] {
  const end = data.length;
  const bits = new Float64Array(end + 1).fill(Number.POSITIVE_INFINITY);
  // How each position is reached best: the step to it, and the last distance then.
  const lengths = new Int32Array(end + 1);
  const distances = new Int32Array(end + 1);
  const lasts = new Int32Array(end + 1);
  const finder = new Finder(data, 3, depth);
  for (let i = 0; i < known; i++) finder.insert(i);
  bits[known] = 0;
  const reach = (from: number, length: number, distance: number, cost: number): void => {
    const to = from + length;
    if (bits[from] + cost >= bits[to]) return;
    bits[to] = bits[from] + cost;
    lengths[to] = length;
    distances[to] = distance;
    lasts[to] = distance || lasts[from];
  };
  for (let i = known; i < end; i++) {
    const copied = i > known && distances[i] > 0 ? 1 : 0;
    const kind = ((i % itemBytes) * 2 + copied) * 2;
    const last = lasts[i];
    reach(i, 1, 0, costs.kind[kind] + costs.literal[literalAt(data, itemBytes, i, copied)]);
    const copy = (least: number, most: number, distance: number): void => {
      const again = distance === last ? 1 : 0;
      const start = costs.kind[kind + 1] + costs.again[copied * 2 + again];
      const far = sizeOf(distance);
      for (let length = most > LONG ? most : least; length <= most; length++) {
        const size = sizeOf(length - 1);
        const where = again ? 0 : costs.distance[Math.min(length - 2, 2) * 32 + far] + far;
        reach(i, length, distance, start + costs.length[again * 32 + size] + size + where);
      }
    };
    let longest = 1;
    if (last > 0) {
      const length = finder.common(i, last);
      if (length > 1) copy(2, length, last);
      if (length > LONG) longest = length;
    }
    // The nearest one of each length.
    finder.each(i, longest, LONG, (length, distance) => {
      copy(longest + 1, length, distance);
      longest = length;
    });
    finder.insert(i);
    // Inside a long copy nothing else is looked for.
    for (const stop = longest > LONG ? i + longest - 1 : i; i < stop; ) finder.insert(++i);
  }
  const steps: Step[] = [];
  for (let at = end; at > known; at -= lengths[at])
    steps.push({ length: lengths[at], distance: distances[at] });
  return steps.reverse();
}
