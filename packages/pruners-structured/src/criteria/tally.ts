import type { Moment, PluginState, Read, StateArray } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** Sums over the last steps before each firing, by name, on the device. */
export class Tally {
  readonly #batches: number;
  readonly #sums = new Map<string, tf.Tensor>();
  #seen = 0;
  /** The first step that counts for the next firing. */
  #from = Number.POSITIVE_INFINITY;

  /** @param batches - How many steps before a firing count. */
  constructor(batches: number) {
    this.#batches = batches;
  }

  /** How many steps have been added up. */
  get seen(): number {
    return this.#seen;
  }

  wants({ step }: Moment): boolean {
    return step >= this.#from;
  }

  /** Adds what a step tells. */
  add(values: readonly (readonly [string, tf.Tensor])[]): void {
    for (const [name, value] of values) {
      const before = this.#sums.get(name);
      this.#sums.set(name, tf.keep(before === undefined ? tf.clone(value) : tf.add(before, value)));
      before?.dispose();
    }
    this.#seen++;
  }

  sum(name: string): tf.Tensor | undefined {
    return this.#sums.get(name);
  }

  /** What is seen from now on is for the next firing, if there is one. */
  fired(at: Moment): void {
    this.restart();
    if (at.index === at.count - 1) return;
    const period = Math.round(at.every * at.stepsPerEpoch);
    this.#from = at.step + Math.max(0, period - this.#batches);
  }

  /** Forgets all; nothing is wanted before the next firing. */
  restart(): void {
    tf.dispose([...this.#sums.values()]);
    this.#sums.clear();
    this.#seen = 0;
    this.#from = Number.POSITIVE_INFINITY;
  }

  save(read: Read): PluginState | Promise<PluginState> {
    const json = { seen: this.#seen, from: Number.isFinite(this.#from) ? this.#from : null };
    return read(
      () => [...this.#sums.values()],
      (sums): PluginState => ({
        json,
        arrays: Object.fromEntries([...this.#sums.keys()].map((name, i) => [name, sums[i]])),
      }),
    );
  }

  /** @param shapes - Of the sums, by name. */
  load({ json, arrays = {} }: PluginState, shapes: ReadonlyMap<string, readonly number[]>): void {
    const { seen, from } = json as { seen: number; from: number | null };
    this.restart();
    this.#seen = seen;
    this.#from = from ?? Number.POSITIVE_INFINITY;
    if (seen === 0) return;
    for (const [name, shape] of shapes) {
      const values = Float32Array.from(arrays[name] as StateArray);
      this.#sums.set(name, tf.keep(tf.tensor(values, shape as number[])));
    }
  }
}
