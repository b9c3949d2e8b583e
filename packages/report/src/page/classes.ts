import { formatMeasure, unitOf } from '../goal.js';
import { html, type Markup } from '../markup.js';
import type { Report } from '../schema.js';

/** What was measured of each class, before and after; nothing where nothing was. */
export function classes({ dense, compressed, measures, classes: names = [] }: Report): Markup | false {
  const metrics = Object.keys(compressed.perClass ?? {});
  if (metrics.length === 0) return false;
  const count = Math.max(...metrics.map((metric) => compressed.perClass![metric].length));
  const row = (_: unknown, c: number): Markup =>
    html`<tr><td class="name">${names[c] ?? String(c)}</td>${metrics.map((metric) => {
      const [before, after] = [dense, compressed].map(({ perClass }) => perClass?.[metric]?.[c]);
      const [a, b] = [before, after].map((value) => formatMeasure(value, unitOf(metric, measures)));
      return html`<td class="n" data-v="${before ?? -1}">${a}</td><td class="n" data-v="${after ?? -1}">${b}</td>`;
    })}</tr>`;
  return html`<section><h2>Each class</h2><p class="note">On the test data: of the dense model, and of the compressed one.</p>
<div class="card scroll"><table class="sortable"><thead><tr><th><button>Class</button></th>${metrics.map(
    (metric) =>
      html`<th class="n"><button>${metric}, dense</button></th><th class="n"><button>${metric}</button></th>`,
  )}</tr></thead><tbody>${Array.from({ length: count }, row)}</tbody></table></div></section>`;
}
