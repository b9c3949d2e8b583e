import type { GpuBuffer, GpuDevice } from '../gpu.js';

/** What is known of a buffer without asking the device. */
interface Known {
  /** In the order in which buffers were first seen. */
  readonly number: number;
  /** Buffers of one shelf are interchangeable. */
  readonly shelf: string;
  readonly size: number;
}

const known = new WeakMap<GpuBuffer, Known>();
let last = 0;

function know(buffer: GpuBuffer): Known {
  let found = known.get(buffer);
  if (found === undefined) {
    const { size, usage } = buffer;
    found = { number: ++last, shelf: `${size}_${usage}`, size };
    known.set(buffer, found);
  }
  return found;
}

/** Free buffers of one size and usage. */
interface Shelf {
  /** The highest number first: the next one is the last. */
  readonly free: GpuBuffer[];
  /** When one was asked for last, in buffers asked for. */
  asked: number;
}

/** Once so many bytes lie free, those go that were not asked for lately: some ten steps of a large net. */
const MOST_FREE = 2 ** 28;
const PATIENCE = 10_000;

/** A number of this buffer alone: keys of bind groups are made of them. */
export function bufferNumber(buffer: GpuBuffer): number {
  return know(buffer).number;
}

/**
 * Takes the place of the buffer manager of TF.js's backend. Of the free buffers it always gives the one with the
 * lowest number: a training step, which asks for the same sizes in the same order as the one before, gets the same
 * buffers, and their bind groups need not be made again.
 */
export class BufferPool {
  numUsedBuffers = 0;
  numFreeBuffers = 0;
  /** Bytes that tensors hold. */
  numBytesUsed = 0;
  /** Bytes of all buffers, the free ones too. */
  numBytesAllocated = 0;
  /** Those that were asked for last are last. */
  readonly #shelves = new Map<string, Shelf>();
  #asked = 0;
  readonly #used = new Set<GpuBuffer>();

  constructor(
    private readonly device: Pick<GpuDevice, 'createBuffer'>,
    private readonly mostFree: number = MOST_FREE,
    private readonly patience: number = PATIENCE,
  ) {}

  acquireBuffer(size: number, usage: number, mappedAtCreation = false, reuse = true): GpuBuffer {
    let buffer = reuse ? this.#take(`${size}_${usage}`) : undefined;
    if (buffer === undefined) {
      buffer = this.device.createBuffer({ size, usage, mappedAtCreation });
      know(buffer);
      this.numBytesAllocated += size;
    } else this.numFreeBuffers--;
    this.#used.add(buffer);
    this.numUsedBuffers++;
    this.numBytesUsed += size;
    return buffer;
  }

  /** Takes a buffer back, to be given out again or (`reuse` false) to be freed. One from elsewhere is taken as well. */
  releaseBuffer(buffer: GpuBuffer, reuse = true): void {
    const { size, shelf, number } = know(buffer);
    if (this.#used.delete(buffer)) {
      this.numUsedBuffers--;
      this.numBytesUsed -= size;
    } else this.numBytesAllocated += size;
    if (!reuse) {
      buffer.destroy();
      this.numBytesAllocated -= size;
      return;
    }
    const free = this.#shelves.get(shelf)?.free ?? [];
    if (free.length === 0 && !this.#shelves.has(shelf))
      this.#shelves.set(shelf, { free, asked: this.#asked });
    let at = free.length;
    while (at > 0 && know(free[at - 1]).number < number) at--;
    free.splice(at, 0, buffer);
    this.numFreeBuffers++;
    if (this.numBytesAllocated - this.numBytesUsed > this.mostFree) this.#clear();
  }

  #take(name: string): GpuBuffer | undefined {
    this.#asked++;
    const shelf = this.#shelves.get(name);
    if (shelf === undefined) return undefined;
    shelf.asked = this.#asked;
    this.#shelves.delete(name);
    this.#shelves.set(name, shelf);
    return shelf.free.pop();
  }

  #clear(): void {
    for (const [name, { free, asked }] of this.#shelves) {
      if (asked > this.#asked - this.patience) return;
      for (const buffer of free) {
        buffer.destroy();
        this.numBytesAllocated -= know(buffer).size;
      }
      this.numFreeBuffers -= free.length;
      this.#shelves.delete(name);
    }
  }

  getNumUsedBuffers(): number {
    return this.numUsedBuffers;
  }

  getNumFreeBuffers(): number {
    return this.numFreeBuffers;
  }

  dispose(): void {
    for (const buffer of this.#used) buffer.destroy();
    for (const { free } of this.#shelves.values()) for (const buffer of free) buffer.destroy();
    this.#used.clear();
    this.#shelves.clear();
    this.numUsedBuffers = this.numFreeBuffers = this.numBytesUsed = this.numBytesAllocated = 0;
  }
}
