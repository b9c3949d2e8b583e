import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { Backend } from '@espalier/backend';
import { modelFrom } from '@espalier/compress';
import {
  disposeModel,
  EspalierError,
  evaluate,
  type PluginState,
  Run,
  resolveLosses,
  topologyOf,
} from '@espalier/core';
import { readArtifacts } from '@espalier/formats';
import type { Report } from '@espalier/report';
import { type LayersModel, models } from '@tensorflow/tfjs-layers';
import { packedBytes } from '../packed-bytes.js';
import { dataPath } from '../recipe/data-schema.js';
import type { LoadedRecipe } from '../recipe/load.js';
import { located } from '../recipe/located.js';
import { isTrainStage } from '../recipe/schema.js';
import { recipeText } from '../recipe/text.js';
import { alone, checkSame } from './alone.js';
import { readCheckpoint } from './checkpoint.js';
import { costsOf } from './costs.js';
import { loadData, outputClasses } from './data.js';
import { checkOut, layout, writeWhole } from './files.js';
import { keepSource } from './keep-source.js';
import { type Listener, silent } from './listener.js';
import { evaluating, type MeasuredPart, measuresOf, scoreOf } from './measures.js';
import { Memory } from './memory.js';
import { checkReheaded, isModelFile, makeModel } from './model.js';
import { artifactsOf } from './model-files.js';
import { withOwnMeasures } from './own-measures.js';
import { packAs } from './pack-as.js';
import { writePlain } from './plain.js';
import { Plugins } from './plugins.js';
import { baselineStage, checkStages, fingerprintOf, pluginsByOwner, prepareStages } from './prepare.js';
import { Progress } from './progress.js';
import type { StageRecord } from './records.js';
import { reportOf, writeReport } from './report.js';
import { applyOnce, type Bench, trainFor, validate } from './stages.js';
import { tellOf, tellStatistics } from './tell-of.js';
import { watchOf } from './watch.js';

/** Where and how a recipe runs. */
export interface RunOptions {
  /** The folder that takes the results. It must be empty, absent, or (with `resume`) hold this run. */
  readonly out: string;
  /** Goes on with the run that `out` holds. */
  readonly resume?: boolean;
  /** A started backend of `@espalier/backend`. */
  readonly backend: Backend;
  readonly listener?: Listener;
  /** Writes `watch.jsonl` and `live.json` for `espalier studio`, in a hundredth of the time at most. */
  readonly watch?: boolean;
  /** Writes event files of TensorBoard into `out`, by way of `@espalier/studio`. */
  readonly tensorboard?: boolean;
  /** Stops between two training steps; what is checkpointed stays. */
  readonly signal?: AbortSignal;
  /** For the report: the command that runs this again. */
  readonly command?: string;
  /** What the results are measured on. Default `test`; whoever still chooses, and a search, look at the validation split alone. */
  readonly measure?: MeasuredPart;
}

/**
 * Runs a recipe from data to report: trains and applies its stages, packs the model, reads it back from the
 * file and measures it, once, on the test set, or leaves that unread where `measure` says so.
 *
 * A run that is killed at any moment and resumed writes the same `model.esp`, byte for byte.
 *
 * @throws EspalierError `out-taken`, `bad-state`, `unknown-name`, `invalid-schedule`, `not-finite`, `disk`,
 *   `aborted`
 */
export async function runRecipe(loaded: LoadedRecipe, options: RunOptions): Promise<Report> {
  return alone(options.out, async () => {
    const progress = new Progress(options.out);
    try {
      return await runAlone(loaded, options, progress);
    } finally {
      await progress.written().catch(() => {}); // Nothing is written to a folder that another run may take.
    }
  });
}

async function runAlone(
  { recipe, source }: LoadedRecipe,
  options: RunOptions,
  progress: Progress,
): Promise<Report> {
  const { out, resume = false, backend, signal, measure = 'test' } = options;
  const watch = watchOf(out, options);
  const listener = watch?.listening(options.listener ?? silent) ?? options.listener ?? silent;
  const folder = dirname(source.file);
  await checkOut(out, resume);
  if (resume) await checkSame(out, recipe);
  const plugins = await Plugins.of({ recipe, source });
  const own = await withOwnMeasures({ recipe, source });
  const stages = await prepareStages({ recipe, source }, plugins);
  const modelFor = (shape: readonly number[]): Promise<LayersModel> =>
    located(source, ['model'], () => makeModel(recipe, folder, shape));
  // A file that cannot be trained is told of before data are read.
  const given = isModelFile(recipe.model) ? await modelFor([]) : undefined;
  await located(source, ['model', 'from'], () => checkReheaded(recipe.model, folder));
  const loadedData = await located(source, dataPath(recipe), () =>
    loadData(own, folder, (line) => listener.info(line)),
  );
  for (const note of loadedData.source.notes) listener.info(note);
  const fingerprint = fingerprintOf(recipe, loadedData.source.fingerprint);
  const found = resume ? await readCheckpoint(out, fingerprint) : undefined;
  await watch?.begin(found);

  const first = given ?? (await modelFor(loadedData.inputShape));
  const data = await located(source, ['model'], () => loadedData.cut(first));
  await located(source, ['loss'], () => resolveLosses(loadedData.loss ?? 'categoricalCrossentropy', first));
  const measures = await located(source, ['metrics'], () =>
    measuresOf(own, first, loadedData.loss, loadedData.source.labels),
  );
  const probe = new Run(first);
  await checkStages(source, stages, probe, (index) => data.training(index).stepsPerEpoch);
  tellOf(first, loadedData.source, listener);
  tellStatistics(probe, recipe.stages, (index) => data.training(index).stepsPerEpoch, listener);
  await writeWhole(join(out, layout.recipe), recipeText(recipe));
  await keepSource(out, source.file);

  const seed = recipe.seed ?? 0;
  const model =
    found === undefined ? first : await models.modelFromJSON({ modelTopology: found.topology } as never);
  const run = new Run(model, { seed });
  if (found !== undefined) run.load(found.run);
  const memory = new Memory(found?.plugins);
  if (found !== undefined) progress.goOn(found);
  const { metrics } = progress;
  const bench: Bench = {
    recipe,
    run,
    memory,
    data,
    measures,
    optimizers: backend.optimizers,
    recorder: backend.recorder,
    listener,
    signal,
    pack: async (listener) =>
      packAs(recipe, await artifactsOf(run.model), loadedData.source.encoding, listener),
  };
  const baseline = baselineStage(recipe, stages);
  const checkpoint = (stage: number, save?: () => Promise<PluginState>): Promise<void> =>
    progress.take(async () => ({
      ...(save && { trainer: await save() }),
      fingerprint,
      backend: backend.name,
      threads: backend.threads,
      stage,
      topology: topologyOf(run.model),
      run: await run.save(),
      plugins: memory.saved(),
    }));
  const keepBaseline = async (stage: number): Promise<void> => {
    if (stage === baseline) await writePlain(join(out, layout.plain), await artifactsOf(run.model));
  };

  if (found === undefined) await keepBaseline(-1);
  const began = found?.stage ?? 0;
  for (const [index, prepared] of stages.entries()) {
    if (index < began) continue;
    const { stage } = prepared;
    if (signal?.aborted) throw new EspalierError('aborted', 'The run was stopped.');
    const start = performance.now();
    listener.stage(
      stage.name,
      index,
      stages.length,
      isTrainStage(stage)
        ? `${stage.epochs} ${stage.epochs === 1 ? 'epoch' : 'epochs'}`
        : (prepared.once?.plugin.name ?? ''),
    );
    let kind: StageRecord['kind'] = 'train';
    if (isTrainStage(stage)) {
      const state = index === began ? found?.trainer : undefined;
      await trainFor(bench, index, prepared, state, async (line, save) => {
        metrics.push(line);
        await watch?.epoch(run, line);
        if (await progress.due()) await checkpoint(index, save);
      });
    } else {
      kind = await applyOnce(bench, prepared);
      await watch?.once(run, stage.name);
    }
    const packing = packedBytes(await artifactsOf(run.model), { effort: 1 });
    const lines = metrics.filter((line) => line.stage === stage.name);
    const record = {
      name: stage.name,
      kind,
      ...(isTrainStage(stage)
        ? {
            seconds: lines.reduce((sum, { seconds }) => sum + seconds, 0),
            wait: lines.reduce((sum, { wait = 0 }) => sum + wait, 0),
            epochs: lines.length,
          }
        : { seconds: (performance.now() - start) / 1000 }),
      ...(await validate(bench)),
      ...(await run.counts()),
    };
    progress.add(record, packing);
    await watch?.stage(packing);
    await keepBaseline(index);
    await checkpoint(index + 1);
  }

  listener.info('Packing');
  const bytes = await bench.pack(listener);
  await writeWhole(join(out, layout.model), bytes);

  await progress.written();
  listener.info(`Measuring on the ${measure} set, from the file`);
  const dense = await readArtifacts(join(out, layout.plain));
  const small = await readArtifacts(join(out, layout.model));
  const scores = [];
  const read = [await modelFrom(dense.artifacts), await modelFrom(small.artifacts)];
  for (const loaded of read) {
    scores.push(scoreOf(measures, await evaluate(loaded, data[measure], evaluating(measures))));
  }
  const costs = await costsOf(read[0], read[1], loadedData.source.inputs);
  for (const loaded of read) loaded.dispose();
  const report = await reportOf({
    recipe,
    out,
    records: await progress.stages(),
    metrics,
    measures,
    measure,
    classes: loadedData.classes,
    outputClasses: outputClasses(loadedData.source.labels, first.outputNames),
    characters: loadedData.characters,
    dense: { artifacts: dense.artifacts, score: scores[0], costs: costs[0] },
    compressed: { artifacts: small.artifacts, score: scores[1], costs: costs[1], bytes },
    backend,
    cores: availableParallelism(),
    command: options.command,
    ...(await memory.tell(run, pluginsByOwner(stages))),
  });
  await writeReport(out, report);
  await watch?.end(report);
  run.dispose();
  disposeModel(run.model);
  if (model !== first) first.dispose();
  return report;
}
