import type { AugmentOptions } from './augment.js';
import type { Place } from './store.js';

/** Which pictures, and what becomes of them. */
export interface Altering {
  /** Where all pictures are. */
  readonly place: Place;
  /** The byte at which those of their part begin. */
  readonly from: number;
  /** Byte to float. */
  readonly table: Float32Array;
  /** `[height, width, channels]` */
  readonly shape: readonly number[];
  readonly chosen: Uint32Array;
  readonly augment?: AugmentOptions | undefined;
  readonly normalize?:
    | { readonly mean: readonly number[]; readonly deviation: readonly number[] }
    | undefined;
  /** Black and white. */
  readonly range: readonly [number, number];
  readonly seed: number;
  readonly epoch: number;
}

export function alter(altering: Altering): Float32Array<ArrayBuffer>;
