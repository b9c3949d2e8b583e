import { checkBlock, checkOneOf, EspalierError, type Of, type RunState } from '@espalier/core';
import { localStructures, type StructureKind, structureKinds } from './local.js';
import type { Structures } from './structures.js';
import { type Tied, tiedStructures } from './tied.js';

/** Which structures are pruned, and what goes with them. */
export interface StructureOptions {
  /**
   * - `'filters'` or `'units'` (the same): what a layer makes: filters of convolutions, units of dense and
   *   recurrent layers, dimensions of embeddings.
   * - `'channels'`: what a layer reads.
   * - `'rows'`, `'columns'` of matrices `[in, out]`; `'kernels'` of convolutions (one input, one output);
   *   `'blocks'` of any tensor: of one tensor by itself.
   */
  readonly structure: StructureKind;
  /**
   * For filters, units and channels: whether all that is tied to them goes too (default), so that `thin` can
   * remove them; or only the named weights.
   */
  readonly tied?: boolean;
  /** For `'blocks'`: their sizes along the tensor's last dimensions, for example `[1, 8]` for `[in, out]`. */
  readonly block?: readonly number[];
  /** Named weights whose structures cannot be pruned: an `'error'` (default) or left as they are. */
  readonly refused?: 'error' | 'skip';
}

export const structureOptions: readonly string[] = ['structure', 'tied', 'block', 'refused'];

const tieable: readonly StructureKind[] = ['filters', 'units', 'channels'];

/** Do these structures take what is tied to them along? */
export function isTied({ structure, tied = true }: StructureOptions): boolean {
  return tied && tieable.includes(structure);
}

/** @throws EspalierError `invalid-option` */
export function checkStructure(owner: string, options: StructureOptions): void {
  const { structure, tied, block, refused = 'error' } = options;
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}`, { remedy });
  };
  if (structure === undefined) refuse('structure is missing.', `Give one of ${structureKinds.join(', ')}.`);
  checkOneOf(owner, 'structure', structure, structureKinds);
  checkOneOf(owner, 'value of refused', refused, ['error', 'skip']);
  if (tied !== undefined && typeof tied !== 'boolean')
    refuse(`tied is ${String(tied)}.`, 'Give true or false.');
  if (tied !== undefined && !tieable.includes(structure)) {
    refuse(`tied has no meaning for ${structure}.`, `It is for ${tieable.join(', ')}.`);
  }
  if (refused === 'skip' && !isTied(options)) {
    refuse('refused has no meaning here.', 'Structures of one tensor by itself are never refused.');
  }
  if (structure === 'blocks') checkBlock(owner, block);
  if (structure !== 'blocks' && block !== undefined) {
    refuse(`block has no meaning for ${structure}.`, "It is for structure: 'blocks'.");
  }
}

/** What is to be ranked: one set per dependency group, or per tensor. */
export function resolve(
  owner: string,
  run: RunState,
  of: Of,
  options: StructureOptions,
): { readonly sets: readonly Structures[]; readonly tied: Tied | undefined } {
  const { structure, block, refused = 'error' } = options;
  if (!isTied(options))
    return { sets: of.map((p) => localStructures(owner, p, structure, block)), tied: undefined };
  const kind = structure === 'channels' ? 'channels' : 'filters';
  const tied = tiedStructures(owner, run, of, kind, refused);
  return { sets: tied.sets, tied };
}
