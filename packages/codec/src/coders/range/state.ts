import { moved, tables } from './logistic.js';

/** What a state moves towards: 16/65536 and its complement, in 1/2^19, so that no bit is ever free. */
export const TARGET0 = 128;
export const TARGET1: number = 524287 - 128;

/** A state of probability p / 65536 that counts as having seen n bits. */
export function makeState(p: number, n: number): number {
  return (p << 16) | n;
}

/** The state after a bit, on its way to TARGET0 or TARGET1: 22-bit probability, 10-bit count up to 1022. */
export function nextState(state: number, bit: number): number {
  return moved(tables, state, bit ? 524159 : 128);
}
