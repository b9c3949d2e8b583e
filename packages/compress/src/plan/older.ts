import type { Grid } from '@espalier/codec';
import { type Snap, toCodebook, toSteps } from '../round/snap.js';

/** Where weights may lie, and the grid, if they are multiples of steps. */
export interface Places {
  readonly snap: Snap;
  readonly grid?: Grid;
}

/**
 * An older version of a tensor, as a file holds it. What stays where it was costs an update next to nothing, so a weight moves only
 * when it is further away than a reach: half a step is nearest rounding, more leaves a dead zone around the older value, which
 * adds error and saves bytes. Less than half a step means steps that are so much finer.
 */
export class Older {
  readonly #values: Float32Array;
  readonly #fineness: number;
  readonly #places: (reach: number) => Places | undefined;

  /** @param fineness - Of the older file, where the reach is half a step. */
  constructor(values: Float32Array, fineness: number, places: (reach: number) => Places | undefined) {
    this.#values = values;
    this.#fineness = fineness;
    this.#places = places;
  }

  /** On the older steps. */
  static onSteps(values: Float32Array, fineness: number, grid: Grid, steps: Float64Array): Older {
    return new Older(values, fineness, (reach) => {
      if (reach < 0.5) {
        const step = Math.fround(grid.step * 2 * reach);
        const finer = steps.map((own) => (own / grid.step) * step);
        return { snap: toSteps(finer), grid: { ...grid, step } };
      }
      const nearest = toSteps(steps);
      const snap: Snap = (value, at) =>
        Math.abs(value - values[at]) <= reach * steps[at] ? values[at] : nearest(value, at);
      return { snap, grid };
    });
  }

  /** On the values that the older tensor has, which cannot be made finer. */
  static onValues(values: Float32Array, fineness: number): Older {
    const book = Float32Array.from(new Set(values)).sort();
    const nearest = toCodebook(book);
    // From each value to the one below, and from the last one as far as to the one before it.
    const gaps = new Map(
      [...book].map((value, i) => {
        const [below, above] = [book[i - 1], book[i + 1]];
        return [value, [value - (below ?? 2 * value - above), (above ?? 2 * value - below) - value] as const];
      }),
    );
    return new Older(values, fineness, (reach) => {
      if (reach < 0.5) return undefined;
      const snap: Snap = (value, at) => {
        const old = values[at];
        const [down, up] = gaps.get(old) as readonly [number, number];
        const gap = value < old ? down : up;
        return Math.abs(value - old) <= reach * gap ? old : nearest(value, at);
      };
      return { snap };
    });
  }

  /** Where weights may lie at a fineness; undefined where the older places are too few for it. */
  at(fineness: number): Places | undefined {
    return this.#places((0.5 * fineness) / this.#fineness);
  }

  /** How many weights are where they were. */
  kept(rounded: Float32Array): number {
    return rounded.reduce((n, value, i) => n + (value === this.#values[i] ? 1 : 0), 0);
  }
}
