import { formatBytes, formatPercent, formatRatio } from '@espalier/report';
import type { VNode } from 'preact';
import type { RunListing } from '../../runs.js';
import { Curves } from './curves.js';
import type { MetricLine, RunData } from './source.js';

/** Runs beside each other. */
export function CompareView({
  runs,
}: {
  runs: readonly { readonly run: RunListing; readonly data: RunData }[];
}): VNode {
  const length = Math.max(0, ...runs.map(({ data }) => data.metrics.length));
  const x = Array.from({ length }, (_, i) => i + 1);
  const curves: readonly [string, (line: MetricLine) => number | null | undefined][] = [
    ['Training loss', ({ loss }) => loss],
    ['Validation loss', ({ validationLoss }) => validationLoss],
    ['Validation accuracy', ({ validationAccuracy }) => validationAccuracy],
    ['Weights that are 0', ({ sparsity }) => sparsity],
  ];
  return (
    <>
      <h1>{runs.length} runs beside each other</h1>
      <section class="grid2" aria-label="Curves">
        {curves.flatMap(([title, of]) => {
          const series = runs.map(({ run, data }) => ({
            label: run.path || 'run',
            values: x.map((_, i) => (data.metrics[i] && of(data.metrics[i])) ?? null),
          }));
          return series.some(({ values }) => values.some((value) => value !== null))
            ? [<Curves key={title} title={title} x={x} series={series} />]
            : [];
        })}
      </section>
      <div class="card scroll" tabIndex={0} role="region" aria-label="Results">
        <table>
          <thead>
            <tr>
              <th>Run</th>
              <th class="n">Epochs</th>
              <th class="n">Accuracy</th>
              <th class="n">Bytes</th>
              <th class="n">Smaller</th>
            </tr>
          </thead>
          <tbody>
            {runs.map(({ run, data: { metrics, report } }) => (
              <tr key={run.path}>
                <td class="name">{run.path || 'run'}</td>
                <td class="n">{metrics.length}</td>
                <td class="n">{report?.compressed.accuracy == null ? '–' : formatPercent(report.compressed.accuracy)}</td>
                <td class="n">{report ? formatBytes(report.compressed.bytes) : '–'}</td>
                <td class="n">{report ? formatRatio(report.ratio) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
