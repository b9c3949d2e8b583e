import { BackendError } from './error.js';

function check(name: string, value: number, from: number, below: number): void {
  if (value >= from && value < below) return;
  throw new BackendError('optimizer', `${name} is ${value}`, `Give a number in [${from}, ${below}).`);
}

/** @throws BackendError `optimizer` for a number out of its range */
export function checkAdam(beta1: number, beta2: number, epsilon: number): void {
  check('beta1', beta1, 0, 1);
  check('beta2', beta2, 0, 1);
  check('epsilon', epsilon, 0, Number.POSITIVE_INFINITY);
}

/** @throws BackendError `optimizer` for a momentum out of range, and for Nesterov's without one */
export function checkSgd(momentum: number, nesterov: boolean): void {
  check('momentum', momentum, 0, 1);
  if (momentum > 0 || !nesterov) return;
  throw new BackendError('optimizer', 'nesterov without momentum does nothing', 'Give momentum, e.g. 0.9.');
}
