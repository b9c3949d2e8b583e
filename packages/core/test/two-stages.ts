import {
  createTrainer,
  type Plugin,
  type PluginState,
  packState,
  type Run,
  type Schedule,
  type TrainOptions,
  unpackState,
} from '@espalier/core';

/** Two stages that share a plugin. */
export interface TwoStages {
  /** The same model each time. */
  run(): Run | Promise<Run>;
  plugin(): Plugin;
  readonly schedule?: Omit<Schedule, 'plugin' | 'state'>;
  /** Of each of the stages. */
  readonly options: Omit<TrainOptions, 'schedules'>;
  /** Whether the second stage is told what the first has saved. Default true. */
  readonly passOn?: boolean;
}

/** When training is killed and goes on in another process: after so many epochs, or between the stages. */
export type Kill = number | 'between';

const copied = (state: PluginState): PluginState => unpackState(packState(state));

/** The weights after both stages. */
export async function weightsAfter(set: TwoStages, kill?: Kill): Promise<number[][]> {
  let run = await set.run();
  let plugin = set.plugin();
  let state: PluginState | undefined;
  let epochs = 0;
  /** All that is in memory goes; what the run was comes from a file. */
  const restart = async (): Promise<void> => {
    const saved = copied(await run.save());
    run.dispose();
    run.model.dispose();
    run = await set.run();
    run.load(saved);
    plugin = set.plugin();
    state &&= copied(state);
  };
  for (const stage of [0, 1]) {
    const trainerOf = (saved?: PluginState) =>
      createTrainer(
        run,
        { ...set.options, schedules: [{ ...set.schedule, plugin, ...(state && { state }) }] },
        saved,
      );
    let trainer = await trainerOf();
    while (!trainer.done) {
      await trainer.nextEpoch();
      if (++epochs !== kill) continue;
      const saved = copied(await trainer.save());
      const old = trainer;
      await restart();
      old.dispose();
      trainer = await trainerOf(saved);
    }
    state = set.passOn === false ? undefined : await trainer.running[0].save();
    await trainer.finish();
    if (stage === 0 && kill === 'between') await restart();
  }
  const weights = run.parameters.map(({ variable }) => [...variable.dataSync()]);
  run.dispose();
  run.model.dispose();
  return weights;
}

/** All moments at which two stages can be killed. */
export const kills = ({ options }: TwoStages): Kill[] => [
  ...Array.from({ length: 2 * options.epochs }, (_, i) => i + 1),
  'between',
];
