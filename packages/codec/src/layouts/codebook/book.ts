import type { WeightSpec } from '../../artifacts.js';

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The bits of a float32. */
export function bitsOf(value: number): number {
  float[0] = value;
  return word[0];
}

/** The float32 of the bits. */
export function floatOf(bits: number): number {
  word[0] = bits;
  return float[0];
}

/** How elements follow from earlier ones: linear prediction. */
export interface Predictor {
  /** How far apart in the tensor the elements of a lane are: there are so many lanes. */
  lag: number;
  /** Of each lane, the factors of the element before, of that before it, …: the low 9 bits, signed, in 64ths. */
  terms: Int16Array;
}

/** Terms of a lane. */
export function orderOf({ lag, terms }: Predictor): number {
  return terms.length / lag;
}

/** A codebook as the header has it. */
export interface Book {
  /** How the elements of the levels are written: consecutive integers, a float32 step, a list. */
  kind: 'ints' | 'step' | 'list';
  /** Levels run from -negative to +positive. */
  negative: number;
  positive: number;
  /** The integer of level 0 (integers), or the step. */
  base: number;
  /** Bit patterns by level + negative (list). */
  values: Uint32Array;
  /** Per axis of the tensor, how many quarters of an octave the step is larger at each index; step only. */
  scales?: readonly Int16Array[];
  /** Elements are what levels add to a prediction; only with scales, of which there may be none. */
  predictor?: Predictor;
}

/** The elements that a codebook is for. */
export interface Elements {
  spec: WeightSpec;
  /** Bytes of one element, and how many elements. */
  itemBytes: number;
  count: number;
}
