import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Data } from '../data.js';
import { disposeModel } from '../dispose-model.js';
import type { Plugin } from '../plugin.js';
import { Run } from '../run.js';
import type { Schedule } from '../schedule.js';
import type { PluginState } from '../session.js';
import { packState, unpackState } from '../state-file.js';
import { createTrainer, type Trainer } from '../trainer.js';

/** What plugins are tried on. */
export interface ConformanceOptions {
  /** A model, made anew at each call and always the same. Default: a small convolutional net with three classes. */
  readonly model?: () => LayersModel;
  /** Default: 24 examples of `[4, 4, 2]` in three batches. `fails` is the batch, counted from 0, that has to throw. */
  readonly data?: (fails?: number) => Data;
  /** How the plugin is bound. Default: every kernel, at every epoch. */
  readonly schedule?: Omit<Schedule, 'plugin' | 'owner' | 'state'>;
  /** Done to a run before the plugin is started: what it needs from a stage before it. */
  readonly prepare?: (run: Run) => void | Promise<void>;
  /** The plugin's factory: it has to refuse an option that there is not. */
  readonly factory?: (options: never) => Plugin;
}

/** Epochs of a trial. */
export const epochs = 4;

/** A stage with the plugin under trial, on a model and a run of its own. */
export interface Trial {
  readonly run: Run;
  readonly trainer: Trainer;
  /** The state of everything, as bytes. */
  bytes(): Promise<readonly Uint8Array[]>;
  dispose(): void;
}

/** Makes trials of a plugin. */
export class Bench {
  readonly plugin: Plugin;
  readonly options: Required<Pick<ConformanceOptions, 'model' | 'data'>> & ConformanceOptions;

  constructor(plugin: Plugin, options: Bench['options']) {
    this.plugin = plugin;
    this.options = options;
  }

  /** A run on a new model, prepared. */
  async run(seed = 1): Promise<Run> {
    const run = new Run(this.options.model(), { seed });
    await this.options.prepare?.(run);
    return run;
  }

  /** Ends a run and its model. */
  end(run: Run): void {
    run.dispose();
    disposeModel(run.model);
  }

  /** A stage with the plugin, ready for its first epoch, or for the one after those that were saved. */
  async trial(given: { seed?: number; fails?: number; from?: readonly Uint8Array[] } = {}): Promise<Trial> {
    const { seed, fails, from } = given;
    const run = await this.run(seed);
    if (from !== undefined) run.load(unpackState(from[0]));
    const schedules = [{ plugin: this.plugin, ...this.options.schedule }];
    const options = { data: this.options.data(fails), epochs, learningRate: 0.02, schedules };
    try {
      const state: PluginState | undefined = from && unpackState(from[1]);
      const trainer = await createTrainer(run, options, state);
      return {
        run,
        trainer,
        bytes: async () => [packState(await run.save()), packState(timeless(await trainer.save()))],
        dispose: () => {
          trainer.dispose();
          this.end(run);
        },
      };
    } catch (error) {
      this.end(run);
      throw error;
    }
  }
}

/** A trainer's state without the seconds that its epochs took and waited. */
function timeless({ json, arrays = {} }: PluginState): PluginState {
  const { history, ...rest } = json as { history: readonly object[] };
  return {
    json: { ...rest, history: history.map((metrics) => ({ ...metrics, seconds: 0, wait: 0 })) },
    arrays,
  };
}
