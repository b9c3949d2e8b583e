import { DELTA, DENSITY } from './level-coding.js';
import { squash, stretch } from './logistic.js';
import { OWN } from './numbers.js';

/*
 * The inner loops keep tables, states and cells in one Int32Array: engines then check one array only. The tables
 * come first, at these places; what follows is the coder's own. The numbers are repeated in the loops, because
 * constants of a module are read from memory, with a check: stretch at 0, SQUASH 4096, DELTAS 8353, BUCKET 9377.
 */

/** An array of tables and `size` more elements, which are `state` at first. */
export function makeTables(size: number, state: number): Int32Array {
  const m = new Int32Array(OWN + size).fill(state, OWN);
  m.set(stretch);
  m.set(squash, 4096);
  m.set(DELTA, 8353);
  m.set(DENSITY, 9377);
  return m;
}

/** The state `state` at `at` learns a bit, moving towards `goal`: TARGET0 or TARGET1. See `nextState`. */
export function learn(m: Int32Array, at: number, state: number, goal: number): void {
  m[at] =
    state +
    (Math.imul(goal - (state >>> 13), m[8353 + (state & 1023)]) & -1024) +
    (((state & 1023) - 1022) >>> 31);
}
