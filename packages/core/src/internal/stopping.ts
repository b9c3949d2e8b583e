import type { EpochMetrics } from '../metrics.js';
import type { RunState } from '../run-state.js';
import type { PluginState } from '../session.js';
import type { EarlyStopping, TrainOptions } from '../train-options.js';
import { goalOf, watching } from './watching.js';

/** Has the watched metric failed to improve for longer than patience allows? */
export function shouldStop(
  history: readonly EpochMetrics[],
  early: EarlyStopping | undefined,
  options: Pick<TrainOptions, 'goal' | 'metrics'> = {},
): boolean {
  if (early === undefined) return false;
  const { metric, better, minDelta = 0, patience } = early;
  const watched =
    metric === undefined
      ? (goalOf(options) ?? watching('validationLoss', options))
      : watching(metric, options, better);
  const sign = watched.better === 'higher' ? -1 : 1;
  let best = Number.POSITIVE_INFINITY;
  let since = 0;
  for (const metrics of history) {
    const value = sign * (watched.of(metrics) ?? metrics.loss);
    since = value < best - minDelta ? 0 : since + 1;
    if (value < best) best = value;
  }
  return since >= patience;
}

/** Whether an epoch is better than the best so far: by the goal, or by accuracy; then by loss. */
function improves(metrics: EpochMetrics, best: EpochMetrics | undefined, options: TrainOptions): boolean {
  const { better, of } = goalOf(options) ?? watching('validationAccuracy', options);
  const value = of(metrics);
  if (value === undefined || Number.isNaN(value)) return false;
  const before = best && of(best);
  if (before === undefined) return true;
  if (value === before) return metrics.validationLoss! < best!.validationLoss!;
  return better === 'higher' ? value > before : value < before;
}

/** The state of the run after its best validated epoch. */
export class Best {
  readonly #options: TrainOptions;
  #metrics: EpochMetrics | undefined;
  #state: PluginState | undefined;

  constructor(options: TrainOptions) {
    this.#options = options;
  }

  async see(metrics: EpochMetrics, run: RunState): Promise<void> {
    const { keepBest } = this.#options;
    if (keepBest === undefined || metrics.epoch < (keepBest.from ?? 0)) return;
    if (!improves(metrics, this.#metrics, this.#options)) return;
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
