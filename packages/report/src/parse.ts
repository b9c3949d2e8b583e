import {
  ascending,
  base64,
  boolean,
  count,
  either,
  exactly,
  list,
  number,
  object,
  optional,
  orNull,
  ReportError,
  record,
  string,
} from './check.js';
import { goal, measured, measures } from './check-goal.js';
import { figure } from './figure/check.js';
import type { CodebookReport } from './measure/codebook.js';
import type { MaskReport } from './measure/mask.js';
import type {
  EnvironmentReport,
  EpochReport,
  HistogramReport,
  InferenceReport,
  ModelFigures,
  PaperRatio,
  Report,
  StageReport,
  TensorFigures,
} from './schema.js';

const fraction = number(0, 1);

const inference = object<InferenceReport>(
  {
    batchSize: count(1),
    milliseconds: number(0),
    quartiles: optional(list(number(0))),
    faster: optional(
      either(
        exactly('same'),
        object<{ median: number; low: number; high: number }>({
          median: number(0),
          low: number(0),
          high: number(0),
        }),
      ),
    ),
  },
  ({ quartiles }, path) => {
    if (quartiles !== undefined && (quartiles.length as number) !== 2)
      throw new ReportError(`${path}.quartiles`, `${quartiles.length} numbers; expected 2.`);
  },
);

const figures = object<ModelFigures>(
  {
    accuracy: orNull(fraction),
    error: orNull(fraction),
    loss: optional(number()),
    bitsPerCharacter: optional(number(0)),
    metrics: optional(measured),
    perClass: optional(record(list(orNull(number())))),
    parameters: count(),
    nonzero: count(),
    bytes: count(1),
    macs: optional(count()),
    inference: optional(list(inference)),
  },
  ({ accuracy, error, parameters, nonzero }, path) => {
    if ((accuracy === null) !== (error === null) || Math.abs((accuracy ?? 0) + (error ?? 1) - 1) > 1e-6) {
      throw new ReportError(`${path}.error`, `${error}; expected 1 - accuracy (accuracy is ${accuracy}).`);
    }
    if (nonzero > parameters) {
      throw new ReportError(`${path}.nonzero`, `${nonzero}; expected at most parameters (${parameters}).`);
    }
  },
);

const histogram = object<HistogramReport>(
  {
    tensor: string,
    edges: list(number()),
    before: list(count()),
    after: optional(list(count())),
    zerosBefore: count(),
    zerosAfter: optional(count()),
    centroids: optional(list(number())),
  },
  ({ edges, before, after }, path) => {
    ascending(edges, `${path}.edges`);
    for (const [key, counts] of Object.entries({ before, after })) {
      if (counts !== undefined && counts.length !== edges.length - 1) {
        throw new ReportError(
          `${path}.${key}`,
          `${counts.length} bins; ${edges.length} edges make ${edges.length - 1}.`,
        );
      }
    }
  },
);

const mask = object<MaskReport>(
  {
    tensor: string,
    rows: count(1),
    columns: count(1),
    width: count(1),
    height: count(1),
    cells: string,
  },
  ({ rows, columns, width, height, cells }, path) => {
    const most = (key: string, found: number, limit: number, of: string): void => {
      if (found > limit)
        throw new ReportError(`${path}.${key}`, `${found}; expected at most ${of} (${limit}).`);
    };
    most('width', width, columns, 'columns');
    most('height', height, rows, 'rows');
    base64(width * height)(cells, `${path}.cells`);
  },
);

const codebook = object<CodebookReport>(
  { tensor: string, values: list(number()), counts: list(count(1)) },
  ({ values, counts }, path) => {
    ascending(values, `${path}.values`);
    if (values.length === 0 || values.length !== counts.length) {
      throw new ReportError(
        `${path}.counts`,
        `${counts.length} counts of ${values.length} values; expected one each.`,
      );
    }
  },
);

const report = object<Report>(
  {
    version: exactly(1),
    name: string,
    seed: number(),
    createdAt: optional(string),
    command: optional(string),
    measuredOn: optional(either(exactly('test'), exactly('validation'))),
    dense: figures,
    compressed: figures,
    ratio: number(0),
    paperRatios: record(object<PaperRatio>({ value: number(0), counts: string })),
    goal: optional(goal),
    measures: optional(measures),
    classes: optional(list(string)),
    outputClasses: optional(record(list(string))),
    stages: list(
      object<StageReport>({
        name: string,
        kind: string,
        seconds: number(0),
        wait: optional(number(0)),
        epochs: optional(count()),
        accuracy: optional(fraction),
        loss: optional(number()),
        metrics: optional(measured),
        nonzero: optional(count()),
        bytes: optional(number(0)),
        estimated: optional(boolean),
      }),
    ),
    metrics: list(
      object<EpochReport>({
        stage: string,
        epoch: count(),
        loss: number(),
        penalty: optional(number()),
        accuracy: optional(fraction),
        validationLoss: optional(number()),
        validationAccuracy: optional(fraction),
        validationMetrics: optional(measured),
        learningRate: optional(number(0)),
        sparsity: optional(fraction),
        seconds: optional(number(0)),
        wait: optional(number(0)),
      }),
    ),
    tensors: list(
      object<TensorFigures>({
        name: string,
        shape: list(count()),
        parameters: count(),
        nonzero: count(),
        distinct: count(),
        bytes: number(0),
        bitsPerWeight: number(0),
        codec: string,
      }),
    ),
    histograms: list(histogram),
    masks: optional(list(mask)),
    codebooks: optional(list(codebook)),
    figures: optional(list(figure)),
    environment: object<EnvironmentReport>({
      backend: string,
      versions: record(string),
      cores: count(1),
      node: string,
      platform: string,
    }),
  },
  ({ dense, compressed, ratio }) => {
    const exact = dense.bytes / compressed.bytes;
    if (Math.abs(ratio - exact) > 1e-6 * exact) {
      throw new ReportError('ratio', `${ratio}; expected dense.bytes / compressed.bytes = ${exact}.`);
    }
  },
);

/**
 * Reads a report: the text of `report.json`, or what `JSON.parse` made of it. Keys that this version does not know
 * are kept.
 *
 * @throws ReportError that names the place, what was found and what was expected; also where figures contradict
 *   each other (the ratio and the two sizes, error and accuracy).
 *
 * @example
 * ```ts
 * import { parseReport, ReportError } from '@espalier/report';
 * try {
 *   parseReport('{"version": 1, "name": 7}');
 *   throw new Error('unexpected');
 * } catch (error) {
 *   if (!(error instanceof ReportError) || error.path !== 'name') throw error;
 * }
 * ```
 */
export function parseReport(json: unknown): Report {
  let value = json;
  if (typeof json === 'string') {
    try {
      value = JSON.parse(json);
    } catch (cause) {
      throw new ReportError('', `not JSON (${(cause as Error).message}).`);
    }
  }
  report(value, '');
  return value as Report;
}
