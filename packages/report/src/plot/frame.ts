import { html, type Markup } from '../markup.js';
import { fit, type Scale, type ScaleSpec } from './scale.js';

/** Where marks may draw, in pixels, and the scales to place them by. */
export interface Area {
  readonly x: Scale;
  readonly y: Scale;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Something drawn into a plot: a line, bars, bands, points. */
export type Mark = (area: Area) => Markup;

/** One axis: what it shows, with its unit, and how values are placed. */
interface Axis {
  readonly label: string;
  readonly scale: ScaleSpec;
}

/** An entry of the legend: a name beside a sample in the style of the class. */
export interface Key {
  readonly label: string;
  readonly style: string;
  readonly shape?: 'line' | 'box' | 'dot';
}

/** What {@link plot} draws. */
export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly marks: readonly Mark[];
  readonly legend?: readonly Key[];
  /** Pixels. Default: 520. */
  readonly width?: number;
  /** Pixels. Default: 280. */
  readonly height?: number;
  /** Lines across at the ticks of y, x or both. Default: `'y'`. */
  readonly grid?: 'x' | 'y' | 'both';
  /** Room for marks above the area, in pixels, e.g. for the names of bands. Default: 0. */
  readonly headroom?: number;
  /** Room to the right of the area, in pixels, e.g. for values beside bars. Default: 14. */
  readonly margin?: number;
  /** Names below the area stand on the slope, for many of them. */
  readonly slope?: boolean;
}

/** About how wide a text is in the plots' font, in pixels. */
export function textWidth(text: string, size = 11): number {
  return [...text].length * size * 0.56;
}

/** A text cut to a width, with an ellipsis. */
export function clip(text: string, width: number, size = 11): string {
  if (textWidth(text, size) <= width) return text;
  const room = Math.floor(width / (size * 0.56)) - 1;
  return room < 2 ? '' : `${[...text].slice(0, room).join('')}…`;
}

/** Pixels with at most one decimal: enough to look at, short to send. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Letters of titles are bold, and wider than others of their size. */
const BOLD = 1.2;

/** Pixels that a legend takes. */
function legendWidth(keys: readonly Key[]): number {
  return keys.reduce((sum, { label }) => sum + textWidth(label) + 34, 0);
}

function legendOf(keys: readonly Key[], right: number, y: number): Markup[] {
  let x = right;
  return [...keys].reverse().map(({ label, style, shape = 'line' }) => {
    x -= textWidth(label) + 4;
    const text = html`<text class="tick" x="${px(x)}" y="${y + 4}">${label}</text>`;
    x -= 20;
    const sample =
      shape === 'line'
        ? html`<path class="${style}" d="M${px(x)} ${y}h15"/>`
        : shape === 'dot'
          ? html`<path class="${style} head" d="M${px(x + 9)} ${y}h0"/>`
          : html`<rect class="${style}" x="${px(x + 3)}" y="${y - 5}" width="10" height="10"/>`;
    x -= 10;
    return html`${sample}${text}`;
  });
}

/** How far sloping names reach to the left of the area, whose width is about `width`. */
function hangover({ ticks, format, place }: ScaleSpec, width: number): number {
  const reach = ticks.map((tick) => 0.85 * textWidth(format(tick)) - place(tick) * width);
  return Math.ceil(Math.max(0, ...reach)) + 8;
}

/** Of how many ticks one has room for its name. */
function everyOf({ ticks, format, at }: Scale): number {
  const half = ticks.map((tick) => textWidth(format(tick)) / 2 + 4);
  let every = 1;
  const meet = (): boolean =>
    ticks.some(
      (tick, i) =>
        i % every === 0 &&
        i + every < ticks.length &&
        at(ticks[i + every]) - at(tick) < half[i] + half[i + every],
    );
  while (every < ticks.length && meet()) every++;
  return every;
}

/**
 * A plot as SVG: title, legend, both axes with their labels and ticks at round numbers, and the marks. Colours are
 * the page's (classes `s1` … `s4`, `dense`, `compressed`), so that it follows light and dark.
 */
export function plot(options: Plot): Markup {
  const {
    title,
    x,
    y,
    marks,
    legend = [],
    width = 520,
    height = 280,
    grid = 'y',
    headroom = 0,
    margin = 14,
    slope = false,
  } = options;
  const names = y.scale.ticks.map(y.scale.format);
  const beside =
    Math.ceil(Math.max(20, ...names.map((name) => textWidth(name)))) + 10 + (y.label === '' ? 0 : 20);
  const left = slope ? Math.max(beside, hangover(x.scale, width - margin - beside)) : beside;
  const footroom = slope
    ? Math.max(0, ...x.scale.ticks.map((tick) => textWidth(x.scale.format(tick)))) * 0.65
    : 0;
  const [top, right, bottom] = [34 + headroom, width - margin, Math.round(height - 44 - footroom)];
  const area: Area = { x: fit(x.scale, left, right), y: fit(y.scale, bottom, top), left, right, top, bottom };
  const middle = (top + bottom) / 2;
  const yTicks = area.y.ticks.map((tick, i) => {
    const at = px(area.y.at(tick));
    const line = grid !== 'x' && html`<path class="grid" d="M${left} ${at}H${right}"/>`;
    return html`${line}<text class="tick end" x="${left - 8}" y="${px(at + 4)}">${names[i]}</text>`;
  });
  // Names that would run into each other: only every second, third, … is written.
  const written = slope ? 1 : everyOf(area.x);
  const xTicks = area.x.ticks.map((tick, i) => {
    const at = px(area.x.at(tick));
    const line = grid !== 'y' && html`<path class="grid" d="M${at} ${top}V${bottom}"/>`;
    if (i % written !== 0) return html`${line}<path class="axis" d="M${at} ${bottom}v4"/>`;
    const name = slope
      ? html`<text class="tick end" transform="translate(${px(at + 3)} ${bottom + 13}) rotate(-40)">${area.x.format(tick)}</text>`
      : html`<text class="tick middle" x="${at}" y="${bottom + 17}">${area.x.format(tick)}</text>`;
    return html`${line}<path class="axis" d="M${at} ${bottom}v4"/>${name}`;
  });
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${title}">
<text class="title" x="${left}" y="16">${clip(title, right - left - legendWidth(legend), 13 * BOLD)}</text>${legendOf(legend, right, 12)}
${yTicks}${xTicks}<g>${marks.map((mark) => mark(area))}</g>
<path class="axis" d="M${left} ${bottom}H${right}"/>
<text class="label middle" x="${px((left + right) / 2)}" y="${height - 8}">${x.label}</text>
${y.label !== '' && html`<text class="label middle" transform="translate(11 ${px(middle)}) rotate(-90)">${y.label}</text>`}
</svg>`;
}
