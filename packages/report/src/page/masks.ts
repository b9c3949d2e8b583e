import { formatCount, formatPercent, formatShape } from '../format.js';
import { html, type Markup } from '../markup.js';
import { cellsOf, type MaskReport } from '../measure/mask.js';
import { cells } from '../plot/cells.js';
import { plot } from '../plot/frame.js';
import { linear, reversed } from '../plot/scale.js';
import { within } from './budget.js';

const BUDGET = 500_000;

/** What is told below a mask. */
interface Facts {
  readonly parameters: number;
  readonly nonzero: number;
  readonly shape: readonly number[];
}

function draw(mask: MaskReport, facts: Facts | undefined): Markup {
  const { tensor, rows, columns, width, height } = mask;
  const shares = Float32Array.from(cellsOf(mask), (cell) => cell / 255);
  const most = shares.reduce((a, b) => Math.max(a, b), 0);
  // As tall as the matrix is beside its width, within what can be looked at.
  const tall = Math.round(Math.min(300, Math.max(70, (280 * rows) / columns)));
  const zeros =
    facts &&
    `${formatPercent(1 - facts.nonzero / Math.max(1, facts.parameters), 1)} of ${formatShape(facts.shape)} are 0`;
  const blocks = rows * columns > width * height;
  const notes = [
    zeros,
    blocks && `a cell is ${formatCount((rows * columns) / (width * height))} weights`,
    blocks && most > 0 && most < 0.995 && `full colour: ${formatPercent(most, 1)} are not 0`,
  ];
  return html`<div class="card" title="${tensor}">${plot({
    title: tensor,
    width: 360,
    height: tall + 78,
    grid: 'x',
    x: {
      label: 'column: the last axis',
      scale: linear(0, columns, { nice: false, ticks: 4, integers: true }),
    },
    y: { label: 'row', scale: reversed(linear(0, rows, { nice: false, ticks: 4, integers: true })) },
    marks: [cells(width, height, most > 0 ? shares.map((share) => share / most) : shares)],
  })}<p class="facts">${notes.filter(Boolean).join(' · ')}</p></div>`;
}

/** Where the zeros are: a picture per tensor that has any. */
export function masks(
  list: readonly MaskReport[],
  factsOf: (tensor: string) => Facts | undefined,
): Markup | false {
  if (list.length === 0) return false;
  const { drawn, left } = within(
    BUDGET,
    list,
    (mask) => mask.rows * mask.columns,
    (mask) => draw(mask, factsOf(mask.tensor)),
  );
  return html`<section><h2>Where the zeros are</h2>
<p class="note">Each tensor as a matrix, all axes but the last one down. A cell has the more colour the more of its weights are not 0${left > 0 && `; ${formatCount(left)} smaller tensors are left out`}.</p>
<div class="grid3">${drawn}</div></section>`;
}
