import {
  checkOneOf,
  checkPerParameter,
  checkRange,
  EspalierError,
  type Of,
  type PerParameter,
  perParameter,
} from '@espalier/core';
import type { Amount } from './structures/choose.js';
import type { Structures } from './structures/structures.js';

/** A fraction of structures. Parameters of one group have to agree. */
export type Sparsity = PerParameter<number>;

/** How many structures go. */
export interface AmountOptions {
  /**
   * `'local'` (default): the sparsity holds in each dependency group (or tensor); `'global'`: over all of the
   * schedule together.
   */
  readonly scope?: 'local' | 'global';
  /** With scope `'global'`: what at least stays of each group, a fraction below 1 or a count, > 0. Default 1. */
  readonly floor?: number;
  /** With scope `'local'`: what stays is a multiple of this, rounded to the nearest, at least one. Default 1. */
  readonly multipleOf?: number;
}

export const amountOptions: readonly string[] = ['scope', 'floor', 'multipleOf'];

/** @throws EspalierError `invalid-option` */
export function checkAmount(owner: string, { scope = 'local', floor, multipleOf }: AmountOptions): void {
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}`, { remedy });
  };
  checkOneOf(owner, 'scope', scope, ['local', 'global']);
  if (floor !== undefined) {
    if (scope !== 'global') refuse("floor has no meaning with scope 'local'.", "Add scope: 'global'.");
    if (floor === 0)
      refuse('floor is 0.', 'One structure of each group stays at least: a layer of none is no layer.');
    checkRange(owner, 'floor', floor, 0, Number.MAX_SAFE_INTEGER);
    if (floor >= 1 && !Number.isInteger(floor)) {
      refuse(`floor is ${floor}.`, 'Give a fraction below 1 or a whole number.');
    }
  }
  if (multipleOf !== undefined) {
    if (scope === 'global') refuse("multipleOf has no meaning with scope 'global'.", "Use scope: 'local'.");
    if (!Number.isInteger(multipleOf) || multipleOf < 1) {
      refuse(`multipleOf is ${multipleOf}.`, 'Give a whole number >= 1.');
    }
  }
}

/** @throws EspalierError `invalid-option` */
export function checkSparsity(owner: string, option: string, value: unknown): void {
  checkPerParameter(owner, option, value, [0, 1]);
}

/** The amount for a moment, from a sparsity that `now` turns into that of the moment. */
export function amountOf(
  owner: string,
  { scope = 'local', floor, multipleOf = 1 }: AmountOptions,
  sparsity: Sparsity,
  of: Of,
  now: (sparsity: number) => number,
): Amount {
  const given = perParameter(owner, 'sparsity', sparsity, of, [0, 1]);
  return {
    scope,
    floor,
    multipleOf,
    sparsity({ name, scored }: Structures) {
      const values = new Set(scored.map(({ parameter }) => given.get(parameter)!));
      if (values.size > 1) {
        throw new EspalierError('invalid-option', `${owner}: the parameters of ${name} differ in sparsity.`, {
          remedy: 'They are pruned together: give them one sparsity.',
        });
      }
      return now([...values][0]);
    },
  };
}
