import { evaluateBy } from '../evaluate.js';
import type { Evaluation } from '../metrics.js';
import type { RunState } from '../run-state.js';
import type { ForwardSession, RegularizerSession } from '../session.js';
import type { TrainOptions } from '../train-options.js';
import { type Bound, onlyPrunes } from './bound.js';
import type { Looks } from './looks.js';

/** What an epoch has come to, where it was asked for. */
export interface Measured {
  readonly held: Evaluation | undefined;
  /** What the model takes now. */
  readonly bytes: number | undefined;
}

/**
 * Validates an epoch while the weights are what its plugins make of them in the end, and steers those that can be to
 * the size that is aimed at.
 */
export async function measured(
  run: RunState,
  bound: readonly Bound[],
  epoch: number,
  { validation, loss = 'categoricalCrossentropy', metrics, size }: TrainOptions,
  looks: Looks | undefined,
): Promise<Measured> {
  const acting = bound.flatMap(({ running, time }) => (time.covers(epoch) ? [running] : []));
  const steering = acting.flatMap((running) => {
    const session = running.as<RegularizerSession>('regularizer');
    return session?.steer ? [session] : [];
  });
  const back: (() => void)[] = [];
  try {
    for (const running of acting) {
      const session = running.as<ForwardSession>('forward');
      if (session?.asMeasured !== undefined) back.push(session.asMeasured());
    }
    if (!bound.every(onlyPrunes)) looks?.doubt(); // They may let layers compute in other ways.
    const options = { loss, ...(metrics && { metrics }) };
    const held = validation && (await evaluateBy(run.model, validation, options, looks));
    const bytes = steering.length > 0 ? await size?.of() : undefined;
    if (bytes !== undefined) for (const session of steering) session.steer?.(bytes, size!.aim);
    return { held, bytes };
  } finally {
    for (const undo of back.reverse()) undo();
  }
}
