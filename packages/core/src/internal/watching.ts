import { EspalierError, unknownName } from '../errors.js';
import type { Better, Metrics } from '../metric.js';
import { type EpochMetrics, epochValue } from '../metrics.js';
import type { TrainOptions } from '../train-options.js';

/** A number of epochs by which they are compared. */
export interface Watched {
  readonly better: Better;
  /** Undefined where an epoch does not have it. */
  of(metrics: EpochMetrics): number | undefined;
}

const own: Readonly<Record<string, Better>> = {
  validationLoss: 'lower',
  validationAccuracy: 'higher',
  loss: 'lower',
};

/** The metrics that are measured, by the names that they have in an epoch. */
function measured(metrics: Metrics | undefined): Map<string, Better | undefined> {
  if (metrics === undefined) return new Map();
  const groups: [string, Metrics][] = Array.isArray(metrics) ? [['', metrics]] : Object.entries(metrics);
  return new Map(
    groups.flatMap(([output, list]) =>
      (list as readonly { name: string; better?: Better }[]).flatMap(({ name, better }) => [
        [name, better] as const,
        ...(output === '' ? [] : [[`${output}/${name}`, better] as const]),
      ]),
    ),
  );
}

/** A number of epochs by its name: a loss, an accuracy, or a metric that is measured. */
export function watching(
  name: string,
  { metrics, goal }: Pick<TrainOptions, 'metrics' | 'goal'>,
  given?: Better,
): Watched {
  if (Object.hasOwn(own, name)) {
    return { better: given ?? own[name], of: (epoch) => epochValue(epoch, name) };
  }
  const known = measured(metrics);
  // One of several outputs' metrics is told by its output's name.
  const [, last] = /\/([^/]*)$/.exec(name) ?? [];
  const found = known.has(name) ? name : last !== undefined && known.has(last) ? last : undefined;
  if (found === undefined) throw unknownName('metric', name, [...Object.keys(own), ...known.keys()]);
  const better = given ?? (goal?.metric === name ? goal.better : undefined) ?? known.get(found);
  if (better === undefined) {
    throw new EspalierError('invalid-option', `Which values of '${name}' are better?`, {
      remedy: `Say it: { metric: '${name}', better: 'higher' }, or 'lower'.`,
    });
  }
  return { better, of: (epoch) => epochValue(epoch, name) };
}

/** By what epochs are compared where nobody says it. */
export function goalOf(options: Pick<TrainOptions, 'goal' | 'metrics'>): Watched | undefined {
  const { goal, metrics } = options;
  if (goal === undefined) return undefined;
  const names: Readonly<Record<string, string>> = { loss: 'validationLoss' };
  const { metric, better } = goal;
  const accuracy = metric === 'accuracy' && !measured(metrics).has('accuracy');
  return watching(accuracy ? 'validationAccuracy' : (names[metric] ?? metric), options, better);
}
