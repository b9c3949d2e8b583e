import type { Metric } from '@espalier/core';
import { lossNames } from '@espalier/core';
import type { MetricUse } from '@espalier/metrics';
import { metricOf } from '@espalier/metrics';
import type { Problem } from '@espalier/yaml';

/** A loss or a metric of a file or a package, by the name that it exports. */
export interface OwnUse {
  /** `./file.mjs#name` or `package#name` */
  readonly use: string;
}

/** A metric as a recipe names it: of one class by its number or, where the data have names, by its name. */
export type NamedMetric = MetricUse | OwnUse | { readonly name: MetricUse; readonly class: string };

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Does it name somebody's own function? An output of a model may be called `use`; its loss is one that has a name. */
export function isOwnUse(value: unknown): value is OwnUse {
  return (
    isTree(value) && typeof value.use === 'string' && !(lossNames as readonly string[]).includes(value.use)
  );
}

/** All that is wrong with such a name, before anything is loaded. */
export function checkUse(value: OwnUse, path: readonly (string | number)[], example: string): Problem[] {
  const other = Object.keys(value).find((key) => key !== 'use');
  if (other !== undefined) {
    return [
      { path: [...path, other], key: true, message: `there is no key '${other}' here. Known keys: use.` },
    ];
  }
  if (/^[^#]+#[^#]+$/.test(value.use)) return [];
  return [
    { path: [...path, 'use'], message: `'${value.use}' does not say which function. Write '${example}'.` },
  ];
}

const named = (metric: Metric, name: string): Metric => ({ ...metric, name });

/** A metric by what a recipe says of it alone: one of a file has its name, and no more is known; of a class by its name, the first. */
export function knownMetric(use: NamedMetric): Metric {
  if (isOwnUse(use)) {
    const name = use.use.slice(use.use.indexOf('#') + 1);
    return named(
      metricOf(function own(labels) {
        return labels;
      }),
      name,
    );
  }
  return metricOfClass(use, () => 0);
}

/** A metric by its name; of a class by its name, of which `classOf` tells the number. */
export function metricOfClass(use: Exclude<NamedMetric, OwnUse>, classOf: (name: string) => number): Metric {
  if (typeof use !== 'object' || !('class' in use) || typeof use.class !== 'string')
    return metricOf(use as MetricUse);
  const metric = metricOf({ ...use, class: classOf(use.class) } as MetricUse);
  return named(metric, `${String(use.name)}(${use.class})`);
}
