/** A copy of earlier bytes; a literal has distance 0 and length 1. */
export interface Step {
  readonly length: number;
  readonly distance: number;
}

/** Bits of an integer but the first. */
export const extraBits = (n: number): number => 31 - Math.clz32(n);

/** Bits of each symbol, in the contexts of `LzModel`, as they were in earlier steps. */
export class Costs {
  readonly kind: Float64Array;
  readonly literal: Float64Array = new Float64Array(4096);
  readonly again: Float64Array = new Float64Array(4);
  /** By whether the distance is the last one: the size of a length. */
  readonly length: Float64Array = new Float64Array(64);
  /** By the least of length - 2 and 2: the size of a distance. */
  readonly distance: Float64Array = new Float64Array(96);
  readonly #data: Uint8Array;
  readonly #itemBytes: number;

  constructor(data: Uint8Array, itemBytes: number) {
    this.#data = data;
    this.#itemBytes = itemBytes;
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

  /** Makes the costs those of `steps` from `position` on; `last`: the last distance before. */
  learn(steps: readonly Step[], start: number, last: number): void {
    const { kind, literal, again, length: lengths, distance: distances } = this;
    for (const counts of [kind, literal, again, lengths, distances]) counts.fill(0);
    let [position, copied, before] = [start, 0, last];
    for (const { length, distance } of steps) {
      kind[this.kindAt(position, copied) + (distance ? 1 : 0)]++;
      if (distance === 0) {
        literal[this.literalAt(position, copied)]++;
        copied = 0;
      } else {
        const same = distance === before ? 1 : 0;
        again[copied * 2 + same]++;
        lengths[same * 32 + extraBits(length - 1)]++;
        if (!same) distances[Math.min(length - 2, 2) * 32 + extraBits(distance)]++;
        copied = 1;
        before = distance;
      }
      position += length;
    }
    toBits(kind, 2, 0.5);
    toBits(literal, 256, 0.08);
    toBits(again, 2, 0.5);
    toBits(lengths, 32, 0.2);
    toBits(distances, 32, 0.2);
  }
}

/** Counts to bits, `group` of them at a time. */
function toBits(counts: Float64Array, group: number, prior: number): void {
  for (let start = 0; start < counts.length; start += group) {
    let sum = 0;
    for (let i = start; i < start + group; i++) sum += counts[i] + prior;
    for (let i = start; i < start + group; i++) counts[i] = -Math.log2((counts[i] + prior) / sum);
  }
}
