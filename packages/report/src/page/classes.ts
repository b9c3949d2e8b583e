import { formatMeasure, unitOf } from '../goal.js';
import { html, type Markup } from '../markup.js';
import type { Report } from '../schema.js';

/** Metrics that are of the same classes. */
interface Group {
  /** Of one output of several. */
  readonly output: string | undefined;
  readonly names: readonly string[];
  readonly metrics: readonly string[];
}

function groups({ compressed, classes = [], outputClasses = {} }: Report): Group[] {
  const all = Object.keys(compressed.perClass ?? {});
  const outputs = Object.keys(outputClasses);
  const outputOf = (metric: string): string | undefined =>
    outputs.find((one) => metric.startsWith(`${one}/`));
  return [...new Set(all.map(outputOf))].map((output) => ({
    output,
    names: output === undefined ? classes : outputClasses[output],
    metrics: all.filter((metric) => outputOf(metric) === output),
  }));
}

function table({ dense, compressed, measures }: Report, { output, names, metrics }: Group): Markup {
  const count = Math.max(...metrics.map((metric) => compressed.perClass![metric].length));
  const row = (_: unknown, c: number): Markup =>
    html`<tr><td class="name">${names[c] ?? String(c)}</td>${metrics.map((metric) => {
      const [before, after] = [dense, compressed].map(({ perClass }) => perClass?.[metric]?.[c]);
      const [a, b] = [before, after].map((value) => formatMeasure(value, unitOf(metric, measures)));
      return html`<td class="n" data-v="${before ?? -1}">${a}</td><td class="n" data-v="${after ?? -1}">${b}</td>`;
    })}</tr>`;
  const head = output === undefined ? 'Class' : `Class of ${output}`;
  return html`<div class="card scroll"><table class="sortable"><thead><tr><th><button>${head}</button></th>${metrics.map(
    (metric) =>
      html`<th class="n"><button>${metric}, dense</button></th><th class="n"><button>${metric}</button></th>`,
  )}</tr></thead><tbody>${Array.from({ length: count }, row)}</tbody></table></div>`;
}

/** What was measured of each class, before and after; nothing where nothing was. */
export function classes(report: Report): Markup | false {
  const found = groups(report);
  if (found.length === 0) return false;
  return html`<section><h2>Each class</h2><p class="note">On the test data: of the dense model, and of the compressed one.</p>
${found.map((group) => table(report, group))}</section>`;
}
