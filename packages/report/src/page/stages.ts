import { ABSENT, formatBytes, formatCount, formatDuration, formatRatio, formatWait } from '../format.js';
import { type GoalView, goalOf } from '../goal.js';
import { html, type Markup } from '../markup.js';
import { clip, plot } from '../plot/frame.js';
import { type Bar, bars, connectors } from '../plot/marks.js';
import { band, log } from '../plot/scale.js';
import type { Report, StageReport } from '../schema.js';
import { trade } from './trade.js';

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly estimated: boolean;
}

/** The sizes a model goes through: as float32, after each stage that gives one, and as a file. */
export function sizesOf({ dense, compressed, stages }: Report): Size[] {
  const sizes: Size[] = [{ name: 'float32', bytes: dense.bytes, estimated: false }];
  for (const { name, bytes, estimated = false } of stages) {
    // Stages before the first that changes anything would only repeat the dense size.
    const first = sizes.length === 1 && bytes === dense.bytes;
    if (bytes !== undefined && bytes > 0 && !first) sizes.push({ name, bytes, estimated });
  }
  const last = sizes.at(-1)!;
  if (last.estimated || Math.round(last.bytes) !== compressed.bytes || sizes.length === 1) {
    sizes.push({ name: 'file', bytes: compressed.bytes, estimated: false });
  }
  return sizes;
}

/** Of a size, a change that is not told. */
const least = 5e-3;

/** Sizes on a logarithmic axis: a bar's length is the factor that its stage wins, and the factors' lengths add up. */
function waterfall(report: Report): Markup {
  const sizes = sizesOf(report);
  const estimates = sizes.some(({ estimated }) => estimated);
  const rows = sizes.map(({ name, bytes, estimated }, i): Bar => {
    const before = i === 0 ? bytes : sizes[i - 1].bytes;
    const factor = before / bytes;
    const change = factor >= 1 ? `÷ ${factor.toFixed(2)}` : `× ${(1 / factor).toFixed(2)}`;
    return {
      from: before,
      to: bytes,
      style: i === 0 ? 'dense' : factor < 1 - least ? 'bigger' : estimated ? 'estimate' : 'compressed',
      label: `${estimated ? '≈ ' : ''}${formatBytes(bytes)}`,
      inside: i === 0 || Math.abs(factor - 1) < least ? '' : change,
      hint: `${name}: ${estimated ? 'about ' : ''}${formatCount(bytes)} bytes, ${formatRatio(report.dense.bytes / bytes)} smaller than float32`,
    };
  });
  const all = sizes.map(({ bytes }) => bytes);
  const [small, most] = [Math.min(...all), Math.max(...all)];
  return plot({
    title: 'Size after each stage',
    width: 1040,
    height: 88 + 34 * sizes.length,
    grid: 'x',
    margin: 60,
    x: {
      label: 'size (bytes, logarithmic)',
      // With room to the left for the last bar's label.
      scale: log(small / Math.max(1.2, (most / small) ** 0.1), most, { unit: 'bytes' }),
    },
    y: { label: '', scale: band(sizes.map(({ name }) => clip(name, 170))) },
    legend: [
      { label: 'encoded', style: 'compressed', shape: 'box' },
      ...(estimates ? [{ label: 'estimated', style: 'estimate', shape: 'box' } as const] : []),
      ...(rows.some(({ style }) => style === 'bigger')
        ? [{ label: 'larger', style: 'bigger', shape: 'box' } as const]
        : []),
    ],
    marks: [connectors(all), bars(rows)],
  });
}

function row(stage: StageReport, goal: GoalView, waits: boolean): Markup {
  const { name, kind, epochs, seconds, nonzero, bytes, estimated } = stage;
  const size = bytes === undefined ? ABSENT : `${estimated ? '≈ ' : ''}${formatBytes(bytes)}`;
  return html`<tr><td class="name">${name}</td><td>${kind}</td><td class="n">${epochs ?? ABSENT}</td>
<td class="n">${formatDuration(seconds)}</td>${waits && html`<td class="n">${formatWait(stage)}</td>`}<td class="n">${goal.format(goal.ofStage(stage))}</td>
<td class="n">${nonzero === undefined ? ABSENT : formatCount(nonzero)}</td><td class="n">${size}</td></tr>`;
}

/** What happened, stage by stage. */
export function stages(report: Report): Markup {
  const waits = report.stages.some(({ wait }) => wait !== undefined);
  const goal = goalOf(report);
  return html`<section><h2>Stage by stage</h2><div class="card scroll">${waterfall(report)}</div>
${trade(report)}
${
  report.stages.length > 0 &&
  html`<div class="card scroll"><table><thead><tr><th>Stage</th><th>Kind</th><th class="n">Epochs</th><th class="n">Time</th>${waits && html`<th class="n">Data wait</th>`}
<th class="n">${goal.title}</th><th class="n">Non-zero</th><th class="n">Size</th></tr></thead><tbody>${report.stages.map((stage) => row(stage, goal, waits))}</tbody></table></div>`
}</section>`;
}
