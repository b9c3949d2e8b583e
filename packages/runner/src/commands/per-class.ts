import type { Evaluation } from '@espalier/core';
import { formatMeasure, formatTable, unitOf } from '@espalier/report';
import { flatPerClass, type Measures } from '../pipeline/measures.js';

/** What was measured of each class, by its name: a table for each output that has some. */
export function classTables(
  evaluation: Pick<Evaluation, 'perClass' | 'outputs'>,
  { shown }: Pick<Measures, 'shown'>,
  classes: readonly string[],
  outputClasses: Readonly<Record<string, readonly string[]>>,
): string {
  const outputs = Object.keys(outputClasses);
  const outputOf = (metric: string): string => outputs.find((one) => metric.startsWith(`${one}/`)) ?? '';
  const measured = Object.entries(flatPerClass(evaluation as Evaluation) ?? {});
  const tables = [...new Set(measured.map(([metric]) => outputOf(metric)))].map((output) => {
    const own = measured.filter(([metric]) => outputOf(metric) === output);
    const names = outputClasses[output] ?? classes;
    const rows = own[0][1].map((_, c) => [
      names[c] ?? String(c),
      ...own.map(([metric, values]) => formatMeasure(values[c], unitOf(metric, shown))),
    ]);
    const head = [output === '' ? 'class' : `class of ${output}`, ...own.map(([metric]) => metric)];
    return `\n${formatTable([head, ...rows])}\n`;
  });
  return tables.join('');
}
