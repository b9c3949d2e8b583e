import type { Parameter } from '@espalier/core';
import { readHeader } from './header.js';
import { type Names, namesOf, withoutModule } from './names.js';
import type { ImportNote } from './notes.js';
import { type DistillerSchedule, mostEpochs, parseSchedule } from './parse.js';
import { epochsNeeded, stagesOf } from './stages.js';
import { writeRecipe } from './write.js';

/** What a Distiller schedule does not say. */
export interface ImportOptions {
  /** Of the recipe. */
  readonly name: string;
  /** The recipe's `model`. */
  readonly model?: string;
  /** Of that model; the schedule's weights are looked for among them. */
  readonly parameters?: readonly Parameter[];
  /** From PyTorch's names to parameters, or PyTorch's names in the order of the model. */
  readonly table?: Readonly<Record<string, string>> | readonly string[];
  /** A name, or as a recipe has it. Default: mnist; moby-dick for a text. */
  readonly data?: string | Readonly<Record<string, unknown>>;
  readonly epochs?: number;
  readonly learningRate?: number;
  readonly batchSize?: number;
  readonly weightDecay?: number;
}

/** A recipe out of a schedule, and what there is to know about it. */
export interface ImportedRecipe {
  /** The recipe, with what there is to know about it in comments at its head. */
  readonly yaml: string;
  readonly notes: readonly ImportNote[];
  /** Parameters by PyTorch's name, without `module.`. */
  readonly names: Readonly<Record<string, string>>;
}

/** Every weight that a schedule names. */
function weightsIn({ components }: DistillerSchedule): string[] {
  const maps = ['thresholds', 'sensitivities', 'levels', 'reg_regims'];
  return components
    .flatMap(({ args }) => [
      ...[args.weights ?? []].flat(),
      ...maps.flatMap((key) => Object.keys((args[key] ?? {}) as object)),
    ])
    .filter((name): name is string => typeof name === 'string' && name !== '*');
}

/** Distiller's defaults for what its command line may say. */
const defaults = { learningRate: 0.1, batchSize: 256, momentum: 0.9 };

/**
 * Turns a Distiller schedule into a recipe that means the same. What has no counterpart here, what is done in
 * another way, and the known faults of schedules and of Distiller itself are told in the notes, and in comments at
 * the head of the recipe.
 *
 * @param text the schedule, as YAML
 * @param file what its name is, for messages
 * @throws EspalierError `bad-recipe` for what Distiller would refuse, with file, line and column; `unknown-name` for
 *   weights that the model does not have
 *
 * @example
 * ```ts
 * import { importSchedule } from '@espalier/distiller';
 *
 * const schedule = `
 * pruners:
 *   fine: { class: SensitivityPruner, sensitivities: { module.fc.weight: 0.5 } }
 * policies:
 *   - { pruner: { instance_name: fine }, starting_epoch: 0, ending_epoch: 8, frequency: 2 }
 * `;
 * const { yaml, notes } = importSchedule(schedule, 'schedule.yaml', { name: 'lenet', model: 'lenet-300-100' });
 * if (!yaml.includes('pruners#sensitivity') || notes.some(({ kind }) => kind === 'lost')) throw new Error(yaml);
 * ```
 */
export function importSchedule(text: string, file: string, options: ImportOptions): ImportedRecipe {
  const schedule = parseSchedule(text, file);
  const header = readHeader(text);
  const used = weightsIn(schedule);
  const { table, parameters } = options;
  const names = namesOf({ used, ...(table && { table }), ...(parameters && { parameters }) });
  const epochs = options.epochs ?? header.epochs ?? epochsNeeded(schedule.policies);
  if (epochs > mostEpochs)
    schedule.refuse([], `training is to take ${epochs} epochs; ${mostEpochs} are the most.`);
  const learningRate = options.learningRate ?? header.learningRate ?? defaults.learningRate;
  const batchSize = options.batchSize ?? header.batchSize ?? defaults.batchSize;
  const weightDecay = options.weightDecay ?? header.weightDecay ?? 0;
  const momentum = header.momentum ?? defaults.momentum;
  const isText = used.some((name) => /^(module\.)?(rnn|lstm|gru)\b/.test(name));
  const data = options.data ?? header.data ?? (isText ? 'moby-dick' : 'mnist');
  const stages = stagesOf({ schedule, names }, { epochs, learningRate, momentum, weightDecay });
  const [first] = schedule.components;
  for (const flag of header.flags) {
    schedule.notes.add(
      'lost',
      first?.path ?? [],
      `the command in the comments has ${flag}, which schedules do not say.`,
    );
  }
  if (stages.length === 0)
    schedule.refuse([], 'nothing of this schedule has a counterpart here: there is no recipe.');
  const recipe = {
    name: options.name,
    data: { ...(typeof data === 'string' ? { name: data } : data), batchSize },
    model: options.model ?? 'model.json',
    // Distiller starts from a trained net, or from a fresh one: what the baseline is, only the user knows.
    stages,
  };
  const about = aboutOf(file, options, header, { epochs, learningRate, batchSize, data, weightDecay }, names);
  return {
    yaml: writeRecipe(recipe, about, schedule.notes.all),
    notes: schedule.notes.all,
    names: Object.fromEntries(
      [...new Set(used.map(withoutModule))].map((name) => [name, names.parameter(name)]),
    ),
  };
}

/** Where the numbers come from that the schedule does not have. */
function aboutOf(
  file: string,
  options: ImportOptions,
  header: ReturnType<typeof readHeader>,
  chosen: {
    epochs: number;
    learningRate: number;
    batchSize: number;
    data: string | Readonly<Record<string, unknown>>;
    weightDecay: number;
  },
  names: Names,
): string[] {
  const from = (given: unknown, said: unknown, otherwise: string): string =>
    given !== undefined
      ? 'as given'
      : said !== undefined
        ? "from the command in the schedule's comments"
        : otherwise;
  const lines = [
    `Imported from ${file.split(/[/\\]/).at(-1)}, a Distiller schedule. Not in the schedule itself:`,
    `- epochs ${chosen.epochs}: ${from(options.epochs, header.epochs, 'to the end of its last policy (--epochs)')}`,
    `- learning rate ${chosen.learningRate}: ${from(options.learningRate, header.learningRate, "Distiller's default (--lr)")}`,
    `- batch size ${chosen.batchSize}: ${from(options.batchSize, header.batchSize, "Distiller's default (--batch-size)")}`,
    `- weight decay ${chosen.weightDecay}: ${from(options.weightDecay, header.weightDecay, "Distiller's default is 0.0001 (--wd)")}`,
    `- data ${typeof chosen.data === 'string' ? chosen.data : JSON.stringify(chosen.data)}: ${from(options.data, header.data, 'a guess (--data)')}`,
  ];
  if (options.model === undefined) {
    lines.push('- model: give --model, or put the trained net to start from at model.json');
  }
  for (const [from, to] of names.byOrder)
    lines.push(`- ${to} is ${from} by its place in the order: please check`);
  return lines;
}
