import { disposeModel, Run } from '@espalier/core';
import {
  measureSensitivity,
  type Sensitivity,
  type SensitivityKind,
  type SensitivityPoint,
  sensitivityTargets,
} from '@espalier/sensitivity';
import { givenData } from '../inputs/data-argument.js';
import { loadData } from './data.js';
import { evaluating, type Measures, measuresOf } from './measures.js';
import { readLayersModel } from './model-files.js';
import type { MeasuredRecipe } from './own-measures.js';

/** A model, data, and what is pruned of the one to be measured on the other. */
export interface SensitivityUse {
  /** The file or folder of the model. */
  readonly model: string;
  /** As `--data` has it. */
  readonly data: string;
  /** Options that are put into the data. */
  readonly more: Readonly<Record<string, string | number>>;
  readonly seed?: number;
  readonly pruned: SensitivityKind;
  readonly levels: readonly number[];
  readonly parameters?: readonly string[];
  /** Of what could be pruned, these alone; by the names of their curves. */
  readonly only?: readonly string[];
}

/** A model and data that are open to be measured. */
export interface OpenSensitivity {
  /** The model's. */
  readonly name: string;
  readonly measures: Measures;
  /** What would be pruned, by the names of the curves. @throws EspalierError as `sensitivityTargets` */
  targets(): string[];
  /** @throws EspalierError as `measureSensitivity` */
  measure(onPoint?: (name: string, point: SensitivityPoint) => void): Promise<Sensitivity>;
  close(): void;
}

/**
 * Opens a model and data to measure how the one bears pruning on the other.
 *
 * @throws EspalierError what reading them throws
 */
export async function openSensitivity(use: SensitivityUse): Promise<OpenSensitivity> {
  const model = await readLayersModel(use.model);
  const { data: of, folder, seed: own, loss, metrics, goal } = await givenData(use.data, use.more);
  const recipe = {
    name: model.name,
    seed: use.seed ?? own,
    data: of,
    model: use.model,
    stages: [],
    ...(loss && { loss }),
  };
  const loaded = await loadData(recipe as MeasuredRecipe, folder, () => {});
  const data = loaded.cut(model).validation;
  const measures = measuresOf(
    { ...(metrics && { metrics }), ...(goal && { goal }) },
    model,
    loaded.loss,
    loaded.source.labels,
  );
  const run = new Run(model);
  const { pruned: kind, levels, parameters, only } = use;
  const some = parameters && { parameters: [...parameters] };
  return {
    name: model.name,
    measures,
    targets: () => sensitivityTargets(run, { kind, ...some }),
    measure: (onPoint) =>
      measureSensitivity(run, data, {
        kind,
        levels,
        ...evaluating(measures),
        ...(measures.goal && { goal: measures.goal }),
        ...some,
        ...(only && { only }),
        ...(onPoint && { onPoint }),
      }),
    close() {
      run.dispose();
      disposeModel(model);
    },
  };
}
