import { formatCount } from '../format.js';
import { html, type Markup } from '../markup.js';
import { type Key, type Mark, plot } from '../plot/frame.js';
import { rug, steps } from '../plot/marks.js';
import { linear, log, type ScaleSpec } from '../plot/scale.js';
import type { HistogramReport } from '../schema.js';

/** So many are drawn, those with the most weights: a page stays under 2 MB. */
const MOST = 120;
/** A codebook with more centroids than this would be a solid line. */
const MOST_CENTROIDS = 300;

function weights({ before, zerosBefore }: HistogramReport): number {
  return before.reduce((total, count) => total + count, zerosBefore);
}

/** Logarithmic, from a little under 1, so that a single weight can be seen. */
export function countScale(most: number): ScaleSpec {
  const scale = log(0.6, Math.max(10, most));
  return { ...scale, ticks: scale.ticks.filter((tick) => tick >= 1) };
}

function draw(histogram: HistogramReport, logarithmic: boolean): Markup {
  const { tensor, edges, before, after, centroids = [] } = histogram;
  const most = Math.max(1, ...before, ...(after ?? []));
  const marks: Mark[] = [steps(edges, before, 'dense')];
  const legend: Key[] = [{ label: 'before', style: 'dense', shape: 'box' }];
  if (after !== undefined) {
    marks.push(steps(edges, after, 'compressed'));
    legend.push({ label: 'after', style: 'compressed', shape: 'box' });
  }
  if (centroids.length > 0 && centroids.length <= MOST_CENTROIDS) marks.push(rug(centroids, 'rug'));
  return plot({
    title: tensor,
    width: 360,
    height: 220,
    x: { label: 'weight', scale: linear(edges[0], edges.at(-1)!, { nice: false, ticks: 5 }) },
    y: {
      label: logarithmic ? 'weights per bin, log.' : 'weights per bin',
      scale: logarithmic ? countScale(most) : linear(0, most, { ticks: 4, integers: true }),
    },
    legend,
    marks,
  });
}

/** Weights before and after, per tensor, on a linear or a logarithmic scale as the reader chooses. */
export function histograms(list: readonly HistogramReport[]): Markup | false {
  const able = list.filter(({ edges }) => edges.length > 1);
  if (able.length === 0) return false;
  const chosen = new Set([...able].sort((a, b) => weights(b) - weights(a)).slice(0, MOST));
  const cards = able
    .filter((histogram) => chosen.has(histogram))
    .map((histogram) => {
      const { tensor, zerosBefore, zerosAfter, centroids } = histogram;
      const facts = [
        zerosBefore === 0 && !zerosAfter
          ? 'no zeros'
          : `zeros: ${formatCount(zerosBefore)}${zerosAfter === undefined ? '' : ` → ${formatCount(zerosAfter)}`}`,
        centroids !== undefined && centroids.length > 0 && `${centroids.length} centroids`,
      ];
      return html`<div class="card" title="${tensor}"><div class="linear">${draw(histogram, false)}</div>
<div class="log">${draw(histogram, true)}</div><p class="facts">${facts.filter(Boolean).join(' · ')}</p></div>`;
    });
  const left = able.length - chosen.size;
  return html`<section class="histograms"><h2>Weights before and after</h2>
<p class="note">Weights that are exactly 0 are counted below each plot${left > 0 && `; ${left} smaller tensors are left out`}.</p>
<fieldset class="switch"><label><input type="radio" name="scale" id="linear">linear</label>
<label><input type="radio" name="scale" id="log" checked>logarithmic</label></fieldset>
<div class="grid3">${cards}</div></section>`;
}
