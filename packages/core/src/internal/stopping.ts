import type { EpochMetrics } from '../metrics.js';
import type { RunState } from '../run-state.js';
import type { PluginState } from '../session.js';
import type { EarlyStopping, TrainOptions } from '../train-options.js';

/** Has the watched metric failed to improve for longer than patience allows? */
export function shouldStop(history: readonly EpochMetrics[], early: EarlyStopping | undefined): boolean {
  if (early === undefined) return false;
  const metric = early.metric ?? 'validationLoss';
  const sign = metric === 'validationAccuracy' ? -1 : 1;
  let best = Number.POSITIVE_INFINITY;
  let since = 0;
  for (const metrics of history) {
    const value = sign * (metrics[metric] ?? metrics.loss);
    since = value < best - (early.minDelta ?? 0) ? 0 : since + 1;
    best = Math.min(best, value);
  }
  return since >= early.patience;
}

/** The state of the run after its best validated epoch: highest accuracy, then lowest loss. */
export class Best {
  readonly #from: number | undefined;
  #metrics: EpochMetrics | undefined;
  #state: PluginState | undefined;

  constructor({ keepBest }: TrainOptions) {
    this.#from = keepBest === undefined ? undefined : (keepBest.from ?? 0);
  }

  async see(metrics: EpochMetrics, run: RunState): Promise<void> {
    if (this.#from === undefined || metrics.epoch < this.#from || metrics.validationAccuracy === undefined)
      return;
    const best = this.#metrics;
    const better =
      best?.validationAccuracy === undefined ||
      metrics.validationAccuracy > best.validationAccuracy ||
      (metrics.validationAccuracy === best.validationAccuracy &&
        metrics.validationLoss! < best.validationLoss!);
    if (!better) return;
    this.#metrics = metrics;
    this.#state = await run.save();
  }

  restore(run: RunState): void {
    if (this.#state !== undefined) run.load(this.#state);
  }

  save(): PluginState {
    return { json: this.#metrics ?? null, ...(this.#state?.arrays && { arrays: this.#state.arrays }) };
  }

  load(state: PluginState): void {
    if (!state.json) return;
    this.#metrics = state.json as EpochMetrics;
    this.#state = { arrays: state.arrays ?? {} };
  }
}
