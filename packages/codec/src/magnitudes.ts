import { broken } from './errors.js';
import { type BitCoder, MAX_PREFIX, nextState } from './level-coding.js';

/** Codes what is left of a magnitude, `rest` >= 1, in Exp-Golomb form with an adaptive prefix. */
export function codeRest(coder: BitCoder, states: Int32Array, first: number, rest: number): number {
  const known = rest > 0 ? 31 - Math.clz32(rest) : 0;
  let prefix = 0;
  while (true) {
    const state = states[first + prefix];
    const bit = coder.code(state >>> 16, prefix < known ? 1 : 0);
    states[first + prefix] = nextState(state, bit);
    if (!bit) break;
    if (++prefix > MAX_PREFIX) broken(55); // a level is too large
  }
  let value = 1;
  for (let k = prefix - 1; k >= 0; k--) value = (value << 1) | coder.code(32768, (rest >> k) & 1);
  return value;
}
