import { checkRange, EspalierError, type Of, selectParameters, unknownName } from '@espalier/core';
import type { Amount } from './structures/choose.js';
import type { Structures } from './structures/structures.js';

/**
 * A fraction of structures: one for all, or a map from parameter names or globs to fractions (a full name
 * wins, then the first glob that matches). Parameters of one group have to agree.
 */
export type Sparsity = number | Readonly<Record<string, number>>;

/** How many structures go. */
export interface AmountOptions {
  /**
   * `'group'` (default): the sparsity holds in each dependency group (or tensor); `'global'`: over all of the
   * schedule together.
   */
  readonly scope?: 'group' | 'global';
  /** With scope `'global'`: what at least stays of each group, a fraction below 1 or a count. Default 1. */
  readonly floor?: number;
  /** With scope `'group'`: what stays is a multiple of this, rounded to the nearest, at least one. Default 1. */
  readonly multipleOf?: number;
}

export const amountOptions: readonly string[] = ['scope', 'floor', 'multipleOf'];

/** @throws EspalierError `invalid-option`, `unknown-name` */
export function checkAmount(owner: string, { scope = 'group', floor, multipleOf }: AmountOptions): void {
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}`, { remedy });
  };
  if (scope !== 'group' && scope !== 'global') throw unknownName('scope', String(scope), ['group', 'global']);
  if (floor !== undefined) {
    if (scope !== 'global') refuse("floor has no meaning with scope 'group'.", "Add scope: 'global'.");
    checkRange(owner, 'floor', floor, 0, Number.MAX_SAFE_INTEGER);
    if (floor >= 1 && !Number.isInteger(floor)) {
      refuse(`floor is ${floor}.`, 'Give a fraction below 1 or a whole number.');
    }
  }
  if (multipleOf !== undefined) {
    if (scope === 'global') refuse("multipleOf has no meaning with scope 'global'.", "Use scope: 'group'.");
    if (!Number.isInteger(multipleOf) || multipleOf < 1) {
      refuse(`multipleOf is ${multipleOf}.`, 'Give a whole number >= 1.');
    }
  }
}

/** @throws EspalierError `invalid-option` */
export function checkSparsity(owner: string, option: string, value: unknown): void {
  const values: unknown[] =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : [value];
  for (const one of values) {
    if (typeof one === 'number' && one >= 0 && one <= 1) continue;
    throw new EspalierError('invalid-option', `${owner}: ${option} is ${JSON.stringify(value)}.`, {
      remedy: 'Give a number in [0, 1], or a map from parameter names to such numbers.',
    });
  }
}

/** The amount for a moment, from a sparsity that `now` turns into that of the moment. */
export function amountOf(
  owner: string,
  { scope = 'group', floor = 0, multipleOf = 1 }: AmountOptions,
  sparsity: Sparsity,
  of: Of,
  now: (sparsity: number) => number,
): Amount {
  const of_ = perParameter(owner, sparsity, of);
  return {
    scope,
    floor,
    multipleOf,
    sparsity({ name, scored }: Structures) {
      const values = new Set(scored.map(({ parameter }) => of_.get(parameter.name)!));
      if (values.size > 1) {
        throw new EspalierError('invalid-option', `${owner}: the parameters of ${name} differ in sparsity.`, {
          remedy: 'They are pruned together: give them one sparsity.',
        });
      }
      return now([...values][0]);
    },
  };
}

function perParameter(owner: string, sparsity: Sparsity, of: Of): Map<string, number> {
  if (typeof sparsity === 'number') return new Map(of.map((p) => [p.name, sparsity]));
  const values = new Map<string, number>();
  for (const [key, value] of Object.entries(sparsity)) {
    for (const { name } of selectParameters(of, key)) {
      if (name === key || !values.has(name)) values.set(name, value);
    }
  }
  const missing = of.find(({ name }) => !values.has(name));
  if (missing === undefined) return values;
  throw new EspalierError('invalid-option', `${owner}: there is no sparsity for ${missing.name}.`, {
    remedy: `Add '${missing.name}', or '**' for all the rest.`,
  });
}
