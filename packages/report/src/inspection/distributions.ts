import { formatCount, formatValue } from '../format.js';
import { html, type Markup } from '../markup.js';
import { within } from '../page/budget.js';
import { countScale } from '../page/histograms.js';
import { clip, type Key, type Mark, plot } from '../plot/frame.js';
import { ranks, steps } from '../plot/marks.js';
import { columns, linear } from '../plot/scale.js';
import { type Violin, violins } from '../plot/violin.js';
import type { InspectedTensor, TensorPicture } from './types.js';

/** A tensor with what is drawn of it. */
export interface Drawn {
  readonly tensor: InspectedTensor;
  readonly picture: TensorPicture;
}

/** More violins than this are too narrow to be read. */
const MOST_VIOLINS = 40;
/** A codebook with more centroids than this would be a solid line. */
const MOST_CENTROIDS = 300;
const BUDGET = 600_000;

/** Kernels: biases and statistics have ranges of their own. */
function kernels(list: readonly Drawn[]): Drawn[] {
  const able = list.filter(({ tensor, picture }) => tensor.shape.length > 1 && picture.density !== undefined);
  const most = [...able].sort((a, b) => b.tensor.parameters - a.tensor.parameters).slice(0, MOST_VIOLINS);
  return able.filter((one) => most.includes(one));
}

/** @param scaled - Each in units of its own standard deviation, so that their forms can be compared. */
function violinPlot(list: readonly Drawn[], scaled: boolean): Markup {
  const drawn = list.flatMap(({ tensor, picture: { density } }): Violin[] => {
    const { name, min, max, mean, deviation, quartiles } = tensor;
    if (!density || mean === null || !deviation || quartiles === null) return [];
    const unit = (value: number): number => (scaled ? (value - mean) / deviation : value);
    const { low, high, shares } = density;
    return [
      {
        name,
        at: shares.map((_, i) => unit(low + (i * (high - low)) / (shares.length - 1))),
        shares,
        mean: unit(mean),
        median: unit(quartiles[1]),
        hint: `${formatValue(min)} to ${formatValue(max)}, median ${formatValue(quartiles[1])}, mean ${formatValue(mean)}, σ ${formatValue(deviation)}`,
      },
    ];
  });
  const ends = drawn.flatMap(({ at }) => [at[0], at[at.length - 1]]);
  const names = drawn.map(({ name }) => clip(name, 140));
  return plot({
    title: scaled ? 'Each in its own standard deviations' : 'All on one axis',
    width: 1040,
    height: 430,
    slope: names.length > 6 || names.some((name) => name.length * 7 > 960 / names.length),
    x: { label: '', scale: columns(names) },
    y: {
      label: scaled ? '(weight − mean) / σ' : 'weight',
      scale: linear(Math.min(...ends), Math.max(...ends), { ticks: 7 }),
    },
    legend: [
      { label: 'extremes, median', style: 's1' },
      { label: 'mean', style: 's3', shape: 'dot' },
    ],
    marks: [violins(drawn)],
  });
}

/** Violins of the kernels, side by side. */
export function distributions(list: readonly Drawn[]): Markup | false {
  const chosen = kernels(list);
  if (chosen.length === 0) return false;
  const left = list.filter(({ tensor }) => tensor.shape.length > 1).length - chosen.length;
  return html`<section><h2>How the weights are spread</h2>
<p class="note">Each form is as wide as its weights are dense; zeros are left out of the form${left > 0 && `; ${formatCount(left)} smaller tensors are left out`}. The numbers are in the table of tensors.</p>
<div class="card scroll">${violinPlot(chosen, false)}</div><div class="card scroll">${violinPlot(chosen, true)}</div></section>`;
}

/** One tensor's histogram with the centroids upon it. */
export function histogram({ tensor, picture }: Drawn, logarithmic: boolean): Markup {
  const { edges, before, centroids = [] } = picture.histogram;
  const most = Math.max(1, ...before);
  const marks: Mark[] = [steps(edges, before, 'dense')];
  const legend: Key[] = [];
  if (centroids.length > 0 && centroids.length <= MOST_CENTROIDS) {
    marks.push(ranks(centroids, 's1'));
    legend.push({
      label: `${centroids.length} ${picture.centroidsAre ?? 'centroids'}`,
      style: 's1',
      shape: 'dot',
    });
  }
  return plot({
    title: tensor.name,
    width: 360,
    height: 220,
    margin: 34,
    x: { label: 'weight', scale: linear(edges[0], edges[edges.length - 1], { nice: false, ticks: 5 }) },
    y: {
      label: logarithmic ? 'weights per bin, log.' : 'weights per bin',
      scale: logarithmic ? countScale(most) : linear(0, most, { ticks: 4, integers: true }),
    },
    legend,
    marks,
  });
}

/** A histogram per tensor with the centroids upon it, on a linear or a logarithmic scale. */
export function weights(list: readonly Drawn[]): Markup | false {
  const able = list.filter(({ tensor }) => tensor.parameters > 1 && tensor.min !== null);
  if (able.length === 0) return false;
  const { drawn, left } = within(
    BUDGET,
    able,
    ({ tensor }) => tensor.parameters,
    (one) => {
      const zeros = one.picture.histogram.zerosBefore;
      return html`<div class="card" title="${one.tensor.name}"><div class="linear">${histogram(one, false)}</div>
<div class="log">${histogram(one, true)}</div><p class="facts">${zeros === 0 ? 'no zeros' : `zeros: ${formatCount(zeros)}`}</p></div>`;
    },
  );
  return html`<section class="histograms"><h2>Weights, tensor by tensor</h2>
<p class="note">Dots are centroids, the least at the foot and the greatest at the head, each at its value: where they are close, the dots rise steeply. Weights that are exactly 0 are counted below${left > 0 && `; ${formatCount(left)} smaller tensors are left out`}.</p>
<fieldset class="switch"><label><input type="radio" name="scale" id="linear" checked>linear</label>
<label><input type="radio" name="scale" id="log">logarithmic</label></fieldset>
<div class="grid3">${drawn}</div></section>`;
}
