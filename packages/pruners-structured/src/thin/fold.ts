import type { Trace } from '../graph/trace.js';
import type { Decision } from './decide.js';

/** What spare channels add to a layer, by output. */
export interface Fold {
  readonly path: readonly string[];
  /** The name of the bias, and whether the layer has it yet. */
  readonly bias: string;
  readonly isNew: boolean;
  readonly added: Float64Array;
}

/** The constants that spare channels leave behind, for the biases of what reads them. */
export function folds(trace: Trace, { spare }: Decision): Fold[] {
  const found: Fold[] = [];
  for (const { path, matrix, inputs, constants, bias, biasName } of trace.reads.values()) {
    let added: Float64Array | undefined;
    for (let i = 0; i < matrix.inputs; i++) {
      // NaN: no constant, so that nothing that is left reads it.
      if (!spare(inputs[i]) || constants[i] === 0 || Number.isNaN(constants[i])) continue;
      const row = matrix.row(i);
      added ??= new Float64Array(matrix.outputs);
      for (let j = 0; j < row.length; j++) added[j] += constants[i] * row[j];
    }
    if (added?.some((a) => a !== 0)) found.push({ path, bias: biasName, isNew: bias === undefined, added });
  }
  return found;
}
