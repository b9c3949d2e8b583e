import {
  EspalierError,
  hash,
  hashString,
  type Moment,
  type Noise,
  type Of,
  type Parameter,
  type RunState,
  randomUniform,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { isTied, resolve, type StructureOptions } from './structures/resolve.js';
import { type Factors, type Slice, sliceOf, spread } from './structures/slice.js';
import type { Structures } from './structures/structures.js';

/** What plugins that drop structures while training have in common. */
export interface DropOptions extends StructureOptions {
  /** Multiply what stays by structures / structures that stay, so that sums keep their size. Default true. */
  readonly scale?: boolean;
  /** Drops in the first step of each epoch and in one step of so many; in the others nothing. Default 1: in all. */
  readonly every?: number;
  /** Default: the run's seed. */
  readonly seed?: number;
}

export const dropOptions: readonly string[] = ['scale', 'every', 'seed'];

/** @throws EspalierError `invalid-option` */
export function checkDrop(owner: string, { scale, every, seed }: DropOptions): void {
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}`, { remedy });
  };
  if (scale !== undefined && typeof scale !== 'boolean') refuse(`scale is ${scale}.`, 'Give true or false.');
  if (every !== undefined && !(Number.isInteger(every) && every >= 1)) {
    refuse(`every is ${every}.`, 'Give a whole number of steps >= 1.');
  }
  if (seed !== undefined && !Number.isInteger(seed)) refuse(`seed is ${seed}.`, 'Give a whole number.');
}

/** Which structures of a set stay in a step (1), and how many. */
export interface Kept {
  readonly kept: Factors;
  readonly count: number;
}

/** Draws what stays from uniform numbers in [0, 1). Within a tidy. */
export type Draw = (set: Structures, random: () => number, of: Of, at: Moment) => Kept;

/**
 * Training noise: in each step some structures count for nothing. Of tied structures it is what reads them that
 * is multiplied, by 0 or by the scale: what makes them works as ever, so that batch-norm statistics are those of
 * the whole model; their gradient is 0. Other structures are multiplied themselves.
 */
export function dropPlugin(
  owner: string,
  options: DropOptions,
  draw: Draw,
  check?: (run: RunState, sets: readonly Structures[]) => void,
): Noise {
  const { scale = true, every = 1 } = options;
  const find = (run: RunState, of: Of): readonly Structures[] => {
    const { sets } = resolve(owner, run, of, options);
    check?.(run, sets);
    return sets;
  };
  return {
    name: owner,
    kinds: ['noise'],
    check: (run, of) => void find(run, of),
    start(run, of) {
      const seed = options.seed ?? run.seed;
      const sets = find(run, of).map((set) => ({
        set,
        slices: isTied(options) ? readersOf(set) : set.scored,
      }));
      return {
        noise(at) {
          if (at.step % every !== 0 && at.step % at.stepsPerEpoch !== 0) return new Map();
          const parts = new Map<Parameter, { slices: Slice[]; factors: Factors[] }>();
          const noise = new Map<Parameter, tf.Tensor>();
          tf.tidy(() => {
            for (const { set, slices } of sets) {
              const { kept, count } = draw(
                set,
                randomUniform(hash(seed, at.step, hashString(set.name))),
                of,
                at,
              );
              const factors = scale ? scaled(kept, count / set.size) : kept;
              for (const slice of slices) {
                const part = parts.get(slice.parameter) ?? { slices: [], factors: [] };
                parts.set(slice.parameter, part);
                part.slices.push(slice);
                part.factors.push(factors);
              }
            }
            for (const [parameter, { slices, factors }] of parts)
              noise.set(parameter, spread(slices, factors));
            return [...noise.values()];
          });
          return noise;
        },
      };
    },
  };
}

function scaled(kept: Factors, share: number): Factors {
  if (kept instanceof tf.Tensor) return tf.div(kept, share) as tf.Tensor1D;
  return Float32Array.from(kept, (k) => k / share);
}

function readersOf({ group }: Structures): Slice[] {
  return group!.members
    .filter(({ part }) => part === 'reads')
    .map(({ parameter, axis, units }) => sliceOf(parameter, axis, units));
}
