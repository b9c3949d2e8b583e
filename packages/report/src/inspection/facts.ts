import { formatCount, formatPercent, formatShape, formatValue } from '../format.js';
import { html, type Markup } from '../markup.js';
import { within } from '../page/budget.js';
import { cell, head } from './sections.js';
import { overheadOf, sumsOf } from './table.js';
import type { InspectedTensor, Inspection } from './types.js';

const BUDGET = 400_000;

const value = (number: number | null): Markup => cell(number ?? 0, formatValue(number));

function row(tensor: InspectedTensor): Markup {
  const { name, shape, dtype, parameters, nonzero, distinct, min, max, mean, deviation, quartiles } = tensor;
  const { entropy, bitsPerWeight, bytes, codec } = tensor;
  const zeros = 1 - nonzero / Math.max(1, parameters);
  return html`<tr><td class="name">${name}</td><td class="n" data-v="${parameters}">${formatShape(shape)}</td><td>${dtype}</td>
${cell(parameters, formatCount(parameters))}${cell(zeros, formatPercent(zeros, 1))}${cell(distinct, formatCount(distinct))}
${value(min)}${value(quartiles?.[1] ?? null)}${value(max)}<td class="n" data-v="${deviation ?? 0}" title="mean ${formatValue(mean)}">${formatValue(deviation)}</td>${cell(entropy, entropy.toFixed(2))}
${cell(bitsPerWeight, bitsPerWeight.toFixed(2))}<td class="n" data-v="${bytes}">${formatCount(bytes)}</td><td>${codec}</td></tr>`;
}

/** What each tensor holds and takes, sorted on click. */
export function facts(inspection: Inspection): Markup | false {
  const { tensors, bytes } = inspection;
  if (tensors.length === 0) return false;
  const { parameters, nonzero } = sumsOf(tensors);
  const { drawn, left } = within(BUDGET, tensors, ({ parameters: size }) => size, row);
  return html`<section><h2>Tensors</h2>
<p class="note">Entropy is that of the values: the bits that a code for each weight by itself takes at least. Bits and bytes are those of the .esp file. Click a heading to sort${left > 0 && `; ${formatCount(left)} smaller tensors are left out`}.</p>
<div class="card scroll"><table class="sortable dense-table"><thead><tr>${head('Tensor', false)}${head('Shape')}${head('Type', false)}${head('Weights')}${head('Zeros')}${head('Distinct')}${head('Min')}${head('Median')}${head('Max')}${head('σ', true, 'standard deviation')}${head('Entropy', true, 'bits per weight')}${head('Bits', true, 'per weight, in the .esp file')}${head('Bytes', true, 'in the .esp file')}${head('Coder', false)}</tr></thead>
<tbody>${drawn}</tbody>
<tfoot>${overheadOf(inspection).map(([name, own]) => html`<tr><td colspan="12">${name}</td><td class="n">${formatCount(own)}</td><td></td></tr>`)}
<tr class="total"><td colspan="3">total</td><td class="n">${formatCount(parameters)}</td><td class="n">${formatPercent(1 - nonzero / Math.max(1, parameters), 1)}</td><td colspan="6"></td><td class="n">${((8 * bytes) / Math.max(1, parameters)).toFixed(2)}</td><td class="n">${formatCount(bytes)}</td><td></td></tr></tfoot></table></div></section>`;
}
