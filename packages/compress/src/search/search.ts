import type { Stage } from '../time-budget.js';
import type { Aim } from './aim.js';

/** What one degree of fineness gives. */
export interface Trial {
  readonly fineness: number;
  /** Of the aim: dB, bytes, or percentage points of accuracy that are surely lost. */
  readonly figure: number;
}

/** Most trials, and those that there is always time for. */
const most = 10;
const least = 3;

/** Octaves within which trials should agree. */
const vicinity = 0.25;

/**
 * Finds the fineness that meets the aim best, by steps of the expected size, then by halving where one that meets it and
 * one that does not are known. Returns the best trial that meets it, or the nearest one if none does.
 */
export async function search(
  start: number,
  aim: Aim,
  measure: (fineness: number) => Promise<number>,
  stage?: Stage,
): Promise<Trial & { met: boolean }> {
  const trials: Trial[] = [];
  let fineness = start;
  for (let i = 0; i < most && ((stage?.fits() ?? true) || i < least); i++) {
    const figure = await measure(fineness);
    trials.push({ fineness, figure });
    const [good, bad] = borders(trials, aim);
    if (good && aim.near(good.figure)) {
      if (aim.luck === undefined || around(trials, good).length > 0) break;
      fineness = good.fineness * 2 ** (-vicinity / 4);
      continue;
    }
    // Between one that meets the aim and one that does not, but never too close to either.
    if (good && bad) {
      const [a, b] = [Math.log2(good.fineness), Math.log2(bad.fineness)];
      const [room, lack] = [clipped(aim.octaves(good.figure)), clipped(aim.octaves(bad.figure))];
      const part = room * lack < 0 ? Math.max(0.1, Math.min(0.9, room / (room - lack))) : 0.5;
      if (Math.abs(b - a) < 0.004) break;
      fineness = 2 ** (a + part * (b - a));
    } else {
      const wanted = fineness * 2 ** clipped(aim.octaves(figure));
      fineness = wanted === fineness ? fineness * 0.97 : wanted;
    }
    if (trials.some((trial) => Math.abs(Math.log2(trial.fineness / fineness)) < 1e-4)) break;
  }
  const [good] = borders(trials, aim);
  return good ? { ...good, met: true } : nearest(trials, aim);
}

/** Of trials that are not believed to meet the aim: one that does by luck, or the one that is least away from it. */
function nearest(trials: readonly Trial[], aim: Aim): Trial & { met: boolean } {
  const lucky = trials.filter(({ figure }) => aim.meets(figure));
  if (lucky.length > 0) {
    const best = lucky.reduce((a, b) => (aim.better(b.fineness, a.fineness) ? b : a));
    return { ...best, met: true };
  }
  const away = ({ figure }: Trial): number => Math.abs(aim.octaves(figure));
  return { ...trials.reduce((a, b) => (away(b) < away(a) ? b : a)), met: false };
}

const clipped = (octaves: number): number => Math.max(-6, Math.min(6, octaves));

/** The other trials of about the same fineness. */
function around(trials: readonly Trial[], { fineness }: Trial): readonly Trial[] {
  const distance = (trial: Trial): number => Math.abs(Math.log2(trial.fineness / fineness));
  return trials.filter((trial) => distance(trial) > 0 && distance(trial) <= vicinity);
}

/** The best trial that meets the aim and is believed, and the nearest one that is none. */
function borders(trials: readonly Trial[], aim: Aim): [Trial | undefined, Trial | undefined] {
  let [good, bad]: (Trial | undefined)[] = [];
  for (const trial of trials) {
    if (aim.meets(trial.figure) && !isLucky(trial, around(trials, trial), aim)) {
      if (good === undefined || aim.better(trial.fineness, good.fineness)) good = trial;
    } else if (bad === undefined || aim.better(bad.fineness, trial.fineness)) bad = trial;
  }
  return [good, bad];
}

/** Do the others say on average that the aim needs finer steps than these? */
function isLucky({ fineness }: Trial, others: readonly Trial[], { luck, octaves }: Aim): boolean {
  if (luck === undefined || others.length === 0) return false;
  const sum = others.reduce(
    (log, { fineness: f, figure }) => log + Math.log2(f) + clipped(octaves(figure)),
    0,
  );
  return Math.log2(fineness) > sum / others.length + luck;
}
