import { OWN } from '../../numbers.js';
import { moved, tables } from '../range/logistic.js';

/*
 * The inner loops keep tables, states and cells in one Int32Array: engines then check one array only. The tables
 * come first, at these places; what follows is the coder's own. The numbers are repeated in the loops, because
 * constants of a module are read from memory, with a check: stretch at 0, SQUASH 4096, DELTAS 8353, BUCKET 9377.
 */

/** Small tiles share an array, for making one takes longer than they do: a coder is done before the next one starts. */
const shared = new Int32Array(2 * OWN);
shared.set(tables);

/** An array of tables and `size` more elements, which are `state` at first. */
export function makeTables(size: number, state: number): Int32Array {
  let m = shared;
  if (size > OWN) {
    m = new Int32Array(OWN + size);
    m.set(tables);
  }
  return m.fill(state, OWN, OWN + size);
}

/** The state `state` at `at` learns a bit, moving towards `goal`: TARGET0 or TARGET1. */
export function learn(m: Int32Array, at: number, state: number, goal: number): void {
  m[at] = moved(m, state, goal);
}
