/** A copy of earlier bytes; a literal has distance 0 and length 1. */
export interface Step {
  readonly length: number;
  readonly distance: number;
}

/** Bits of an integer but the first. */
export const extraBits = (n: number): number => 31 - Math.clz32(n);

/** Which of the last distances one is, from 1, or 0 for none; it becomes the newest. */
export function touch(recent: number[], distance: number): number {
  const known = recent.indexOf(distance) + 1;
  for (let k = (known || recent.length) - 1; k > 0; k--) recent[k] = recent[k - 1];
  recent[0] = distance;
  return known;
}

/** Lengths from 2 on that have costs of their own. */
const LENGTHS = 4096;

/** Bits of each symbol, in the contexts of `LzModel`, as they were in earlier steps. */
export class Costs {
  readonly kind: Float64Array;
  readonly literal: Float64Array = new Float64Array(4096);
  /** By whether the last step was a copy: which of the last distances it is, from 1; 0 for none. */
  readonly again: Float64Array;
  /** By whether the distance is one of the last: the size of a length. */
  readonly length: Float64Array = new Float64Array(64);
  /** By whether the distance is one of the last, 4096 apart: each length, from 2. */
  readonly lengths: Float64Array = new Float64Array(2 * LENGTHS);
  /** By the least of length - 2 and 2: the size of a distance. */
  readonly distance: Float64Array = new Float64Array(96);
  /** How many of the last distances are known. */
  readonly many: number;
  readonly #data: Uint8Array;
  readonly #itemBytes: number;

  constructor(data: Uint8Array, itemBytes: number, many = 1) {
    this.#data = data;
    this.#itemBytes = itemBytes;
    this.many = many;
    this.again = new Float64Array(2 * (many + 1));
    this.kind = new Float64Array(itemBytes * 4);
  }

  /** Where the costs of a literal and of a copy at `position` are. */
  kindAt(position: number, copied: number): number {
    return ((position % this.#itemBytes) * 2 + copied) * 2;
  }

  literalAt(position: number, copied: number): number {
    const place = this.#itemBytes === 1 ? (this.#data[position - 1] ?? 0) >> 5 : position % this.#itemBytes;
    return (place * 2 + copied) * 256 + this.#data[position];
  }

  /** Makes the costs those of `steps` from `position` on; `before`: the last distances before, newest first. */
  learn(steps: readonly Step[], start: number, before: readonly number[]): void {
    const { kind, literal, again, length: sizes, lengths, distance: distances, many } = this;
    for (const counts of [kind, literal, again, sizes, lengths, distances]) counts.fill(0);
    const recent = before.slice();
    let [position, copied] = [start, 0];
    for (const { length, distance } of steps) {
      kind[this.kindAt(position, copied) + (distance ? 1 : 0)]++;
      if (distance === 0) {
        literal[this.literalAt(position, copied)]++;
        copied = 0;
      } else {
        const known = touch(recent, distance);
        const same = known ? 1 : 0;
        again[copied * (many + 1) + known]++;
        sizes[same * 32 + extraBits(length - 1)]++;
        lengths[same * LENGTHS + length - 2]++;
        if (!same) distances[Math.min(length - 2, 2) * 32 + extraBits(distance)]++;
        copied = 1;
      }
      position += length;
    }
    toBits(kind, 2, 0.5);
    toBits(literal, 256, 0.08);
    toBits(again, many + 1, 0.5);
    toBits(sizes, 32, 0.2);
    toBits(distances, 32, 0.2);
    if (many > 1) for (const same of [0, 1]) treeBits(lengths.subarray(same * LENGTHS, (same + 1) * LENGTHS));
    else {
      for (let i = 0; i < 2 * LENGTHS; i++) {
        const size = extraBits((i % LENGTHS) + 1);
        lengths[i] = sizes[(i < LENGTHS ? 0 : 32) + size] + size;
      }
    }
  }
}

/** Counts of symbols to the bits that a tree of adaptive bits takes for each. */
function treeBits(counts: Float64Array): void {
  const nodes = new Float64Array(2 * LENGTHS);
  nodes.set(counts, LENGTHS);
  for (let node = LENGTHS; node-- > 1; ) nodes[node] = nodes[2 * node] + nodes[2 * node + 1];
  // From the root on, counts become the bits that it takes to get there.
  const bits = new Float64Array(2 * LENGTHS);
  for (let node = 2; node < 2 * LENGTHS; node++) {
    bits[node] = bits[node >> 1] - Math.log2((nodes[node] + 0.4) / (nodes[node >> 1] + 0.8));
  }
  counts.set(bits.subarray(LENGTHS));
}

/** Counts to bits, `group` of them at a time. */
function toBits(counts: Float64Array, group: number, prior: number): void {
  for (let start = 0; start < counts.length; start += group) {
    let sum = 0;
    for (let i = start; i < start + group; i++) sum += counts[i] + prior;
    for (let i = start; i < start + group; i++) counts[i] = -Math.log2((counts[i] + prior) / sum);
  }
}
