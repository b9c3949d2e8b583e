import { pluginFigures } from '../figure/section.js';
import { goalOf } from '../goal.js';
import { html, type Markup } from '../markup.js';
import type { Report } from '../schema.js';
import { classes } from './classes.js';
import { codebooks } from './codebooks.js';
import { curves } from './curves.js';
import { comparison, heading } from './figures.js';
import { histograms } from './histograms.js';
import { masks } from './masks.js';
import { shell } from './shell.js';
import { stages } from './stages.js';
import { tensors } from './tensors.js';

function environment({ environment: { backend, versions, cores, node, platform }, command }: Report): Markup {
  const rows: [string, string][] = [
    ['Backend', backend],
    ['Cores', String(cores)],
    ['Node', node],
    ['Platform', platform],
    ...Object.entries(versions),
  ];
  return html`<section><h2>Make it again</h2>${command !== undefined && html`<div class="card"><pre>${command}</pre></div>`}
<div class="card"><dl>${rows.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl></div></section>`;
}

/**
 * A report as one HTML page that needs nothing else: it opens from a disk without a network, asks for nothing, and
 * is light or dark as the reader's system is. Plots are SVG. Every name in it is escaped, and the page's own policy
 * forbids any script but its own and any request.
 *
 * @returns The page's source, under 2 MB.
 *
 * @example
 * ```ts
 * import { parseReport, renderReport } from '@espalier/report';
 * const dense = { accuracy: 0.98, error: 0.02, parameters: 1000, nonzero: 1000, bytes: 4000 };
 * const report = parseReport({
 *   version: 1, name: 'a <b> c', seed: 1, dense, compressed: { ...dense, nonzero: 50, bytes: 100 }, ratio: 40,
 *   paperRatios: {}, stages: [], metrics: [], tensors: [], histograms: [],
 *   environment: { backend: 'wasm', versions: {}, cores: 2, node: '20.20.2', platform: 'linux x64' },
 * });
 * const page = renderReport(report);
 * if (!page.includes('a &lt;b&gt; c') || !page.includes('40.0×')) throw new Error('unexpected');
 * ```
 */
export function renderReport(report: Report): string {
  const byName = new Map(report.tensors.map((tensor) => [tensor.name, tensor]));
  return shell(
    report.name,
    html`${heading(report)}
${stages(report)}
${comparison(report)}
${classes(report)}
${curves(report.metrics, goalOf(report))}
${tensors(report.tensors, report.compressed)}
${histograms(report.histograms)}
${masks(report.masks ?? [], (name) => byName.get(name))}
${codebooks(report.codebooks ?? [], (name) => byName.get(name)?.bitsPerWeight)}
${pluginFigures(report.figures)}
${environment(report)}
<footer>Espalier report, version ${report.version}. Sizes in SI units: 1 kB = 1000 bytes.</footer>`,
  );
}
