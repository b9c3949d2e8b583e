import { EspalierError, type Moment, type PluginState, type Read } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** Sums over the last steps before each firing, by name, on the device. */
export class Tally {
  readonly #batches: number;
  readonly #sums = new Map<string, tf.Tensor>();
  #seen = 0;
  /** The first step that counts for the next firing. */
  #from = Number.POSITIVE_INFINITY;

  /**
   * @param batches - How many steps before a firing count.
   * @param shapes - Of the sums, by name.
   * @param state - What an earlier tally has saved. @throws EspalierError `bad-state`
   */
  constructor(
    owner: string,
    batches: number,
    shapes: ReadonlyMap<string, readonly number[]>,
    state?: PluginState,
  ) {
    this.#batches = batches;
    if (state === undefined) return;
    const { seen, from = null } = (state.json ?? {}) as { seen?: number; from?: number | null };
    if (seen === undefined) throw new EspalierError('bad-state', `${owner}: the saved state has no sums.`);
    // What was observed of structures that are others now (after thinning) is of no use.
    const sums = [...shapes].map(([name, shape]) => ({ name, shape, values: state.arrays?.[name] }));
    const fits = sums.every(({ shape, values }) => values?.length === shape.reduce((a, b) => a * b, 1));
    if (seen > 0 && !fits) return;
    this.#seen = seen;
    this.#from = from ?? Number.POSITIVE_INFINITY;
    if (seen === 0) return;
    for (const { name, shape, values } of sums) {
      this.#sums.set(name, tf.keep(tf.tensor(Float32Array.from(values!), shape as number[])));
    }
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
}
