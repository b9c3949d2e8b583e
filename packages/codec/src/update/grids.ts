import { asBytes } from '../bytes/view.js';
import type { Limits } from '../container/limits.js';
import type { Book } from '../layouts/codebook/book.js';
import type { Grid } from '../layouts/grid/levels.js';
import { Opened } from './opened.js';

/**
 * The grids of a file's float32 tensors, by name, as `encode` takes them: of those that lie on steps. What is quantised on them
 * anew takes a small update.
 *
 * @throws EspError as `decode` for a header
 *
 * @example
 * ```ts
 * import { encode } from '@espalier/codec';
 * import { gridsOf } from '@espalier/codec/update';
 *
 * const weights = Float32Array.from({ length: 1000 }, (_, i) => Math.round(3 * Math.sin(i * i) + 3) / 4);
 * const file = encode({ weightSpecs: [{ name: 'w', shape: [1000], dtype: 'float32' }], weightData: weights.buffer });
 * if (gridsOf(file).w.step !== 0.25) throw new Error('multiples of 1/4');
 * ```
 */
export function gridsOf(file: ArrayBuffer | ArrayBufferView, limits?: Limits): Record<string, Grid> {
  const { tensors } = new Opened(asBytes(file), limits).header;
  const found = tensors.flatMap(({ spec, levels }): [string, Grid][] =>
    levels?.book.kind === 'step' ? [[spec.name, gridOf(levels.book, spec.shape.length)]] : [],
  );
  return Object.fromEntries(found);
}

function gridOf({ base, scales = [], predictor }: Book, rank: number): Grid {
  const exponents = Array.from({ length: rank }, (_, axis) =>
    scales[axis]?.length ? scales[axis].slice() : undefined,
  );
  if (!predictor) return { step: base, exponents };
  const coefficients = Float64Array.from(predictor.terms, (term) => ((term << 23) >> 23) / 64);
  return { step: base, exponents, prediction: { distance: predictor.lag, coefficients } };
}
