import { join } from 'node:path';
import type { Backend } from '@espalier/backend';
import { inspect, type ModelArtifacts } from '@espalier/codec';
import { readRegular } from '@espalier/host';
import {
  codebook,
  type Figure,
  histogram,
  type ModelFigures,
  mask,
  type Report,
  renderGif,
  renderReport,
  type TensorFigures,
} from '@espalier/report';
import type { Recipe } from '../recipe/schema.js';
import { version } from '../version.js';
import type { Costs } from './costs.js';
import { folderBytes, layout, writeWhole } from './files.js';
import type { MeasuredPart, Measures, Score } from './measures.js';
import type { MetricLine, StageRecord } from './records.js';
import { census, type NamedValues, tensorsOf } from './tensors.js';

/** All that a report is made of. */
export interface Results {
  readonly recipe: Recipe;
  readonly out: string;
  readonly records: readonly StageRecord[];
  readonly metrics: readonly MetricLine[];
  /** By what the models are measured. */
  readonly measures: Measures;
  /** And on what. */
  readonly measure: MeasuredPart;
  /** The names of the classes, where the labels are classes of one output. */
  readonly classes: readonly string[];
  /** The same of each output of several that has some. */
  readonly outputClasses: Readonly<Record<string, readonly string[]>>;
  /** Is the data text? */
  readonly characters: boolean;
  readonly dense: { readonly artifacts: ModelArtifacts; readonly score: Score; readonly costs: Costs };
  readonly compressed: {
    readonly artifacts: ModelArtifacts;
    readonly score: Score;
    readonly costs: Costs;
    readonly bytes: Uint8Array;
  };
  readonly backend: Backend;
  readonly cores: number;
  readonly command: string | undefined;
  /** Pictures that plugins have made of their work. */
  readonly figures: readonly Figure[];
  /** Ratios as the papers of plugins count them. */
  readonly paperRatios: Report['paperRatios'];
}

/** What an evaluation says; of text also its loss in bits per character. */
const figures = (
  { accuracy, loss, metrics, perClass }: Score,
  characters: boolean,
): Pick<ModelFigures, 'accuracy' | 'error' | 'loss' | 'bitsPerCharacter' | 'metrics' | 'perClass'> => ({
  accuracy: accuracy ?? null,
  error: accuracy === undefined ? null : 1 - accuracy,
  loss,
  ...(characters && { bitsPerCharacter: loss / Math.LN2 }),
  ...(metrics && { metrics: finite(metrics) }),
  ...(perClass && {
    perClass: Object.fromEntries(Object.entries(perClass).map(([name, of]) => [name, of.map(orNull)])),
  }),
});

/** A number that JSON has; one that it has not is not known. */
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

const finite = (values: Readonly<Record<string, number>>): Record<string, number | null> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, orNull(value)]));

/** What of a stage's measurements a report has. */
function stageOf({
  validationAccuracy,
  validationLoss,
  validationMetrics,
  parameters: _,
  ...record
}: StageRecord): Report['stages'][number] {
  return {
    ...record,
    ...(validationAccuracy !== undefined && { accuracy: validationAccuracy }),
    ...(validationLoss !== undefined && { loss: validationLoss }),
    ...(validationMetrics && { metrics: finite(validationMetrics) }),
  };
}

/** A row per tensor of an `.esp` file: how it is stored and what is in it. */
export function tensorRows(file: Uint8Array, artifacts: ModelArtifacts): TensorFigures[] {
  const values = new Map(tensorsOf(artifacts).map((tensor) => [tensor.name, tensor.values]));
  return inspect(file).tensors.map(({ name, shape, elements, codec, storedBytes }) => ({
    name,
    shape,
    parameters: elements,
    ...census(values.get(name) ?? []),
    bytes: storedBytes,
    bitsPerWeight: elements === 0 ? 0 : (8 * storedBytes) / elements,
    codec,
  }));
}

/** Cells of all masks together, about: `report.json` keeps them, and the page draws them. */
const maskCells = 60_000;

/** Masks and codebooks of a compressed model. */
function picturesOf(tensors: readonly NamedValues[]): Pick<Report, 'masks' | 'codebooks'> {
  const pruned = tensors.filter(({ shape, values }) => shape.length > 1 && values.some((w) => w === 0));
  const most = Math.max(256, Math.min(4096, Math.floor(maskCells / Math.max(1, pruned.length))));
  const masks = pruned.flatMap(({ name, shape, values }) => mask(name, shape, values, { most }) ?? []);
  const codebooks = tensors.flatMap(({ name, values }) => {
    const found = codebook(name, values);
    // Few weights that all differ share nothing.
    return found && found.values.length <= values.length / 2 ? [found] : [];
  });
  return { ...(masks.length > 0 && { masks }), ...(codebooks.length > 0 && { codebooks }) };
}

export async function reportOf(results: Results): Promise<Report> {
  const { recipe, out, records, metrics, measures, classes, outputClasses, characters } = results;
  const { dense, compressed, backend, cores, command } = results;
  const before = tensorsOf(dense.artifacts);
  const after = new Map(tensorsOf(compressed.artifacts).map((tensor) => [tensor.name, tensor]));
  const count = (
    tensors: Iterable<{ values: ArrayLike<number> }>,
  ): { parameters: number; nonzero: number } => {
    let [parameters, nonzero] = [0, 0];
    for (const { values } of tensors) {
      parameters += values.length;
      nonzero += census(values).nonzero;
    }
    return { parameters, nonzero };
  };
  const denseFigures = {
    ...figures(dense.score, characters),
    ...count(before),
    bytes: await folderBytes(join(out, layout.plain)),
    ...dense.costs,
  };
  const smallFigures = {
    ...figures(compressed.score, characters),
    ...count(after.values()),
    bytes: compressed.bytes.length,
    ...compressed.costs,
  };
  const pictures = picturesOf([...after.values()]);
  const shared = new Map(pictures.codebooks?.map(({ tensor, values }) => [tensor, values]));
  const { node: _, ...libraries } = backend.versions;
  return {
    version: 1,
    name: recipe.name,
    seed: recipe.seed ?? 0,
    createdAt: new Date().toISOString(),
    ...(command !== undefined && { command }),
    ...(results.measure !== 'test' && { measuredOn: results.measure }),
    dense: denseFigures,
    compressed: smallFigures,
    ratio: denseFigures.bytes / smallFigures.bytes,
    paperRatios: {
      pruning: {
        value: denseFigures.parameters / smallFigures.nonzero,
        counts:
          'parameters of the dense net / non-zero weights; positions, codebooks and topology are not counted',
      },
      ...results.paperRatios,
    },
    ...(measures.goal && { goal: measures.goal }),
    ...(measures.metrics && { measures: measures.shown }),
    ...(smallFigures.perClass && classes.length > 0 && { classes }),
    ...(smallFigures.perClass && Object.keys(outputClasses).length > 0 && { outputClasses }),
    stages: records.map(stageOf),
    metrics: metrics.map(({ validationMetrics, ...line }) => ({
      ...line,
      ...(validationMetrics && { validationMetrics: finite(validationMetrics) }),
    })),
    tensors: tensorRows(compressed.bytes, compressed.artifacts),
    histograms: before
      .filter(({ shape }) => shape.length > 1)
      .map(({ name, values }) => {
        const centroids = shared.get(name);
        return histogram(name, values, after.get(name)?.values, centroids ? { centroids } : {});
      }),
    ...pictures,
    ...(results.figures.length > 0 && { figures: results.figures }),
    environment: {
      backend: backend.name,
      versions: { espalier: version, ...libraries },
      cores,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    },
  };
}

/** Writes `report.json`, `report.html`, and each picture that moves as `figure-N.gif`. */
export async function writeReport(out: string, report: Report): Promise<void> {
  for (const [i, figure] of (report.figures ?? []).entries()) {
    if ((figure.kind === 'joint' || figure.kind === 'map') && figure.frames.length > 0) {
      await writeWhole(join(out, `figure-${i + 1}.gif`), renderGif(figure));
    }
  }
  await writeWhole(join(out, layout.page), renderReport(report));
  await writeWhole(join(out, layout.report), `${JSON.stringify(report, null, 2)}\n`);
}

/** The report of a finished run, if `out` holds one. */
export async function readReport(out: string): Promise<Report | undefined> {
  try {
    return JSON.parse((await readRegular(join(out, layout.report))).toString()) as Report;
  } catch {
    return undefined;
  }
}
