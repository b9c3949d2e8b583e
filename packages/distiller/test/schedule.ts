import { type Recipe, resolveRecipe } from '@espalier/runner';
import { parseYaml } from '@espalier/yaml';
import { type ImportedRecipe, type ImportOptions, importSchedule } from '../src/index.js';

type Stage = Recipe['stages'][number];
export type TrainStage = Extract<Stage, { epochs: number }>;

export interface Imported extends ImportedRecipe {
  readonly recipe: Recipe;
}

/** Imports a schedule written in a test. What comes out is a recipe, as the runner checks it. */
export function imported(yaml: string, options: Partial<ImportOptions> = {}): Imported {
  const made = importSchedule(yaml, 'schedule.yaml', { name: 'test', ...options });
  const { value, source } = parseYaml(made.yaml, 'recipe.yaml');
  return { ...made, recipe: resolveRecipe(value, source).recipe };
}

type Item = NonNullable<TrainStage['schedules']>[number];

/** The schedules of a stage, the first one if it is not named. */
export function schedules({ recipe }: Imported, stage?: string): Item[] {
  const found = (recipe.stages as TrainStage[]).find(({ name, epochs }) =>
    stage === undefined ? epochs !== undefined : name === stage,
  );
  return found?.schedules ?? [];
}

export const stageNames = ({ recipe }: Imported): string[] => recipe.stages.map(({ name }) => name);

export const stage = ({ recipe }: Imported, name: string): Stage & Item & TrainStage =>
  recipe.stages.find((s) => s.name === name) as never;

/** What is said, of one kind, in the order of the schedule. */
export const said = ({ notes }: Imported, kind: string): string[] =>
  notes.filter((note) => note.kind === kind).map(({ at, message }) => `${at.join(' ')} ${message}`);

/** One pruner and its policy, in epochs 0 to 10. */
export function pruner(
  definition: string,
  policy = '',
  time = 'starting_epoch: 0\n    ending_epoch: 10\n    frequency: 1',
): string {
  return `version: 1
pruners:
  my_pruner:
${definition.replace(/^/gm, '    ')}
policies:
  - pruner:
      instance_name: my_pruner
${policy === '' ? '' : `      args: ${policy}\n`}    ${time}
`;
}
