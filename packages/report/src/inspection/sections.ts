import { formatBytes, formatCount, formatError, formatPercent, formatRatio, roundBytes } from '../format.js';
import { html, type Markup } from '../markup.js';
import { within } from '../page/budget.js';
import { plot } from '../plot/frame.js';
import { bars } from '../plot/marks.js';
import { band, linear } from '../plot/scale.js';
import { sumsOf } from './table.js';
import type { Cost, InspectedTensor, Inspection } from './types.js';

/** A number's cell: `value` is what it is sorted by. */
export function cell(value: number, text: string): Markup {
  return html`<td class="n" data-v="${value}">${text}</td>`;
}

/** A heading that sorts its column on a click. */
export function head(label: string, numeric = true, hint = ''): Markup {
  return html`<th scope="col" class="${numeric ? 'n' : ''}"${hint !== '' && html` title="${hint}"`}><button type="button">${label}</button></th>`;
}

function figure(what: string, number: string, below: string): Markup {
  return html`<div class="figure"><span class="what">${what}</span><b>${number}</b><span>${below}</span></div>`;
}

/** The page's head: name, and the numbers that matter. */
export function heading({ name, packed, bytes, tensors, totals }: Inspection): Markup {
  const { parameters, nonzero } = sumsOf(tensors);
  const converter = totals['uint8-brotli'];
  const eight = totals['esp-8'];
  const dense = totals.float32;
  const share = (part: number): string => formatPercent(part / Math.max(1, parameters), 1);
  return html`<header><h1>${name}</h1><p class="meta">${formatCount(tensors.length)} ${tensors.length === 1 ? 'tensor' : 'tensors'} · ${formatCount(parameters)} weights</p>
<div class="figures">
${figure(packed ? 'File' : 'As .esp, without loss', formatBytes(bytes), `${formatCount(bytes)} bytes${dense === undefined ? '' : `, ${formatRatio(dense.bytes / bytes)} smaller than float32`}`)}
${eight !== undefined && figure('As .esp, 8 bits', formatBytes(eight.bytes), `error of the weights ${formatError(eight.error)}${converter === undefined ? '' : `; ${formatBytes(converter.bytes)} as the converter's uint8 through Brotli, error ${formatError(converter.error)}`}`)}
${figure('Zeros', share(parameters - nonzero), `${formatCount(parameters - nonzero)} of ${formatCount(parameters)} weights`)}
</div></header>`;
}

/** The whole model in each form, as bars and as a table. */
export function forms({ forms: list, totals, tensors }: Inspection): Markup | false {
  if (list.length === 0) return false;
  const { parameters } = sumsOf(tensors);
  const dense = totals[list[0].key].bytes;
  const rows = list.map(({ key, label }) => {
    const { bytes, error } = totals[key];
    const text = [
      formatBytes(bytes),
      bytes !== dense && `${formatRatio(dense / Math.max(1, bytes))} smaller`,
      error > 0 && `error ${formatError(error)}`,
    ];
    return {
      from: 0,
      to: bytes,
      style: key.startsWith('esp') ? 'compressed' : 'dense',
      label: '',
      inside: text.filter(Boolean).join(' · '),
      hint: `${label}: ${formatCount(bytes)} bytes`,
    };
  });
  return html`<section><h2>What it would take</h2>
<p class="note">All weights of the model in each form; .esp files also hold the topology.</p>
<div class="card scroll">${plot({
    title: 'Size in each form',
    width: 1040,
    height: 88 + 30 * list.length,
    grid: 'x',
    margin: 40,
    x: {
      label: 'size',
      scale: {
        ...linear(0, Math.max(...list.map(({ key }) => totals[key].bytes)), { ticks: 6 }),
        format: roundBytes,
      },
    },
    y: {
      label: '',
      scale: band(
        list.map(({ label, key }) =>
          label.startsWith('…') ? `${key.split('-')[0]},${label.slice(1)}` : label,
        ),
      ),
    },
    marks: [bars(rows)],
  })}</div>
<div class="card scroll"><table><thead><tr><th>Form</th><th class="n">Bytes</th><th class="n">Bits/weight</th><th class="n">Smaller</th><th class="n">Error of weights</th><th>What it is</th></tr></thead>
<tbody>${list.map(({ key, label, about }) => {
    const { bytes, error } = totals[key];
    return html`<tr><td>${label}</td><td class="n">${formatCount(bytes)}</td><td class="n">${((8 * bytes) / Math.max(1, parameters)).toFixed(2)}</td><td class="n">${formatRatio(dense / Math.max(1, bytes))}</td><td class="n">${formatError(error)}</td><td class="name">${about}</td></tr>`;
  })}</tbody></table><p class="facts">Error: root mean square of what a form changes, relative to that of the weights.</p></div></section>`;
}

const BUDGET = 350_000;

/** What each tensor would take in each form, sorted on click. */
export function costs({ forms: list, tensors, totals }: Inspection): Markup | false {
  if (list.length === 0 || tensors.length === 0) return false;
  const row = ({ name, parameters, costs: own }: InspectedTensor): Markup =>
    html`<tr><td class="name">${name}</td>${cell(parameters, formatCount(parameters))}${list.map(
      ({ key }) => {
        const { bytes, error } = own[key] as Cost;
        return html`<td class="n" data-v="${bytes}"${error > 0 && html` title="error ${formatError(error)}"`}>${formatCount(bytes)}</td>`;
      },
    )}</tr>`;
  const { drawn, left } = within(BUDGET, tensors, ({ parameters: size }) => size, row);
  return html`<section><h2>What each tensor would take</h2>
<p class="note">Bytes. Click a heading to sort${left > 0 && `; ${formatCount(left)} smaller tensors are left out`}.</p>
<div class="card scroll"><table class="sortable dense-table"><thead><tr>${head('Tensor', false)}${head('Weights')}${list.map(({ label, about }) => head(label, true, about))}</tr></thead>
<tbody>${drawn}</tbody>
<tfoot><tr class="total"><td>total</td><td class="n">${formatCount(sumsOf(tensors).parameters)}</td>${list.map(({ key }) => html`<td class="n">${formatCount(totals[key].bytes)}</td>`)}</tr></tfoot></table></div></section>`;
}
