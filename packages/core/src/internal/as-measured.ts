import type { ForwardSession } from '../session.js';
import type { Bound } from './bound.js';

/** Calls `measure` while the weights are what plugins of this epoch make of them in the end. */
export async function asMeasured<T>(
  bound: readonly Bound[],
  epoch: number,
  measure: () => Promise<T>,
): Promise<T> {
  const back: (() => void)[] = [];
  try {
    for (const { running, time } of bound) {
      const session = time.covers(epoch) ? running.as<ForwardSession>('forward') : undefined;
      if (session?.asMeasured !== undefined) back.push(session.asMeasured());
    }
    return await measure();
  } finally {
    for (const undo of back.reverse()) undo();
  }
}
