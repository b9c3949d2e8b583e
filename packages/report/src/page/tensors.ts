import { ABSENT, formatBytes, formatCount, formatPercent, formatShape } from '../format.js';
import { html, type Markup } from '../markup.js';
import type { ModelFigures, TensorFigures } from '../schema.js';

/** A number's cell: `value` is what it is sorted by. */
function cell(value: number, text: string): Markup {
  return html`<td class="n" data-v="${value}">${text}</td>`;
}

const HEADS: readonly (readonly [label: string, numeric: boolean])[] = [
  ['Tensor', false],
  ['Shape', true],
  ['Weights', true],
  ['Non-zero', true],
  ['Density', true],
  ['Distinct', true],
  ['Bits/weight', true],
  ['Bytes', true],
  ['Share of file', true],
  ['Codec', false],
];

/** The table per tensor, sorted on click, with what the file holds beside the tensors. */
export function tensors(list: readonly TensorFigures[], compressed: ModelFigures): Markup | false {
  if (list.length === 0) return false;
  const sum = (key: 'parameters' | 'nonzero' | 'bytes'): number =>
    list.reduce((total, t) => total + t[key], 0);
  const [parameters, nonzero, bytes] = [sum('parameters'), sum('nonzero'), sum('bytes')];
  const density = (part: number, whole: number): string =>
    whole === 0 ? ABSENT : formatPercent(part / whole, 1);
  const row = (tensor: TensorFigures): Markup => {
    const share = Math.min(100, (100 * tensor.bytes) / compressed.bytes);
    return html`<tr><td class="name">${tensor.name}</td>
<td class="n" data-v="${tensor.parameters}">${formatShape(tensor.shape)}</td>
${cell(tensor.parameters, formatCount(tensor.parameters))}${cell(tensor.nonzero, formatCount(tensor.nonzero))}
${cell(tensor.nonzero / Math.max(1, tensor.parameters), density(tensor.nonzero, tensor.parameters))}
${cell(tensor.distinct, formatCount(tensor.distinct))}${cell(tensor.bitsPerWeight, tensor.bitsPerWeight.toFixed(2))}
${cell(tensor.bytes, formatCount(tensor.bytes))}
<td class="n" data-v="${tensor.bytes}">${formatPercent(tensor.bytes / compressed.bytes, 1)}<span class="share"><i style="width:${share.toFixed(1)}%"></i></span></td>
<td>${tensor.codec}</td></tr>`;
  };
  const rest = compressed.bytes - bytes;
  const overhead =
    rest >= 0.5 &&
    html`<tr><td colspan="7">headers and topology</td><td class="n">${formatCount(rest)}</td>
<td class="n">${formatPercent(rest / compressed.bytes, 1)}<span class="share"><i style="width:${((100 * rest) / compressed.bytes).toFixed(1)}%"></i></span></td><td></td></tr>`;
  return html`<section><h2>Tensors</h2>
<p class="note">How each tensor is stored in the file of ${formatBytes(compressed.bytes)}. Click a heading to sort.</p>
<div class="card scroll"><table class="sortable"><thead><tr>${HEADS.map(
    ([label, numeric]) =>
      html`<th scope="col" class="${numeric ? 'n' : ''}"><button type="button">${label}</button></th>`,
  )}</tr></thead><tbody>${list.map(row)}</tbody><tfoot>${overhead}
<tr class="total"><td colspan="2">total</td><td class="n">${formatCount(parameters)}</td><td class="n">${formatCount(nonzero)}</td>
<td class="n">${density(nonzero, parameters)}</td><td></td><td class="n">${((8 * compressed.bytes) / Math.max(1, parameters)).toFixed(2)}</td>
<td class="n">${formatCount(compressed.bytes)}</td><td></td><td></td></tr></tfoot></table></div></section>`;
}
