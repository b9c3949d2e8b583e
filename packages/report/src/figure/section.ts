import type {
  Figure,
  GalleryFigure,
  HistogramFigure,
  JointFigure,
  MapFigure,
  MapFrame,
} from '@espalier/figures';
import { formatCount } from '../format.js';
import { html, type Markup } from '../markup.js';
import { type Mark, plot } from '../plot/frame.js';
import { steps } from '../plot/marks.js';
import { linear, log } from '../plot/scale.js';
import { drawFrame, mostOf } from './joint.js';
import { mapImage } from './map.js';

/** So many frames are drawn, evenly over all: a page stays under 2 MB. */
const MOST_FRAMES = 40;

/** Frames one at a time, the last one first, with a slider. */
function slides<T>(title: string, about: string, frames: readonly T[], draw: (frame: T) => Markup): Markup {
  const count = Math.min(MOST_FRAMES, frames.length);
  const shown = Array.from(
    { length: count },
    (_, i) => frames[count === 1 ? 0 : Math.round((i * (frames.length - 1)) / (count - 1))],
  );
  return html`<div class="card frames"><h3>${title}</h3>
<p class="facts">${about}</p>
<label class="slide"><input type="range" min="0" max="${shown.length - 1}" value="${shown.length - 1}" aria-label="${title}"></label>
${shown.map((frame, i) => html`<div class="frame"${i < shown.length - 1 && html` hidden`}>${draw(frame)}</div>`)}</div>`;
}

function joint(figure: JointFigure): Markup {
  const most = mostOf(figure);
  const about =
    'Above, the histogram of the initial values; to the right, that of the present ones, logarithmic. Lines are the means of the mixture, bars their spread (± 2 deviations).';
  return slides(figure.title, about, figure.frames, (frame) => drawFrame(figure, frame, most));
}

function image(frame: MapFrame, wanted: number): Markup {
  const { source, width, height } = mapImage(frame, wanted);
  return html`<figure class="map"><img src="${source}" width="${width}" height="${height}" alt="${frame.label}"><figcaption>${frame.label}</figcaption></figure>`;
}

function map(figure: MapFigure): Markup {
  const { title, x, y, most, frames } = figure;
  const about = `Across: ${x}; down: ${y}. White is 0; full red is ${most.toPrecision(3)}, full blue -${most.toPrecision(3)}.`;
  return slides(title, about, frames, (frame) => image(frame, 640));
}

function gallery({ title, images }: GalleryFigure): Markup {
  return html`<div class="card"><h3>${title}</h3><div class="gallery">${images.map((frame) => image(frame, 140))}</div></div>`;
}

function histogram(figure: HistogramFigure, i: number, logarithmic: boolean): Markup {
  const { low, high, x, series, of = 'weights' } = figure;
  const { label, counts } = series[i];
  const edges = Array.from({ length: counts.length + 1 }, (_, k) => low + ((high - low) * k) / counts.length);
  const most = Math.max(1, ...series.flatMap((entry) => [...entry.counts]));
  const scale = log(0.6, Math.max(10, most));
  const marks: Mark[] = [steps(edges, counts, i === 0 ? 'dense' : 'compressed')];
  return plot({
    title: label,
    width: 360,
    height: 220,
    x: { label: x, scale: linear(low, high, { nice: false, ticks: 5 }) },
    y: {
      label: logarithmic ? `${of} per bin, log.` : `${of} per bin`,
      scale: logarithmic
        ? { ...scale, ticks: scale.ticks.filter((tick) => tick >= 1) }
        : linear(0, Math.max(1, ...counts), { ticks: 4, integers: true }),
    },
    marks,
  });
}

function histograms(figure: HistogramFigure): Markup {
  return html`<div class="card"><h3>${figure.title}</h3><div class="grid3">${figure.series.map(
    ({ zeros }, i) =>
      html`<div>${histogram(figure, i, false)}${histogram(figure, i, true)}${zeros > 0 && html`<p class="facts">zeros: ${formatCount(zeros)}</p>`}</div>`,
  )}</div></div>`;
}

function draw(figure: Figure): Markup {
  switch (figure.kind) {
    case 'joint':
      return joint(figure);
    case 'histograms':
      return histograms(figure);
    case 'map':
      return map(figure);
    case 'gallery':
      return gallery(figure);
  }
}

/** The pictures that plugins have made of their work. */
export function pluginFigures(figures: readonly Figure[] = []): Markup | false {
  if (figures.length === 0) return false;
  return html`<section><h2>While it was trained</h2>${figures.map(draw)}</section>`;
}
