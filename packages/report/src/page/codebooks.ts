import { formatCount, formatPercent, formatValue } from '../format.js';
import { html, type Markup } from '../markup.js';
import type { CodebookReport } from '../measure/codebook.js';
import { plot } from '../plot/frame.js';
import { stems } from '../plot/marks.js';
import { linear } from '../plot/scale.js';
import { within } from './budget.js';
import { countScale } from './histograms.js';

const BUDGET = 400_000;
/** A table of more values than this is no longer read. */
const MOST_ROWS = 64;

function table({ values, counts }: CodebookReport, all: number): Markup {
  return html`<details><summary>as a table</summary><table><thead><tr><th class="n">No.</th><th class="n">Value</th><th class="n">Weights</th><th class="n">Share</th></tr></thead>
<tbody>${values.map((value, i) => html`<tr><td class="n">${i + 1}</td><td class="n">${formatValue(value)}</td><td class="n">${formatCount(counts[i])}</td><td class="n">${formatPercent(counts[i] / all, 1)}</td></tr>`)}</tbody></table></details>`;
}

function draw(codebook: CodebookReport, bitsOf: (tensor: string) => number | undefined): Markup {
  const { tensor, values, counts } = codebook;
  const all = counts.reduce((a, b) => a + b, 0);
  const entropy = counts.reduce((sum, count) => sum - (count / all) * Math.log2(count / all), 0);
  const stored = bitsOf(tensor);
  const [low, high] = [values[0], values[values.length - 1]];
  const room = (high - low) / 40;
  const facts = [
    `${values.length} ${values.length === 1 ? 'value' : 'values'}`,
    `entropy ${Math.max(0, entropy).toFixed(2)} bits`,
    stored !== undefined && `stored in ${stored.toFixed(2)} bits a weight`,
  ];
  return html`<div class="card" title="${tensor}">${plot({
    title: tensor,
    width: 360,
    height: 200,
    x: { label: 'shared value', scale: linear(low - room, high + room, { nice: false, ticks: 5 }) },
    y: { label: 'weights, log.', scale: countScale(Math.max(...counts)) },
    marks: [
      stems(
        values.map((value, i) => [value, counts[i]] as const),
        's1',
        's2',
      ),
    ],
  })}<p class="facts">${facts.filter(Boolean).join(' · ')}</p>${values.length <= MOST_ROWS && table(codebook, all)}</div>`;
}

/** The values that tensors share, and how many weights have each. */
export function codebooks(
  list: readonly CodebookReport[],
  bitsOf: (tensor: string) => number | undefined,
): Markup | false {
  if (list.length === 0) return false;
  const size = ({ counts }: CodebookReport): number => counts.reduce((a, b) => a + b, 0);
  const { drawn, left } = within(BUDGET, list, size, (codebook) => draw(codebook, bitsOf));
  return html`<section><h2>Codebooks</h2>
<p class="note">The values that weights share, and how many weights have each; zero is grey${left > 0 && `; ${formatCount(left)} smaller tensors are left out`}.</p>
<div class="grid3">${drawn}</div></section>`;
}
