import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

/** A line of a plot: a value for each x, null where there is none. */
export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
}

/** The colours of the page, as it is now: the canvas of a plot knows no variables. */
const colours = ['--accent', '--warm', '--blue', '--before'] as const;

const valueOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function describe(title: string, series: readonly Series[], show: (value: number) => string): string {
  const last = series.map(({ label, values }) => {
    const value = values.findLast((one) => one !== null);
    return `${label} ${value === undefined || value === null ? 'nothing yet' : show(value)}`;
  });
  return `${title}; last: ${last.join(', ')}`;
}

/** Epochs are counted. */
const wholes = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((power) => n * 10 ** power)).sort((a, b) => a - b);

const plainly = (value: number): string => String(Number(value.toPrecision(4)));

/** Lines over epochs, on a canvas that draws a hundred thousand points at once. */
export function Curves({
  title,
  x,
  series,
  show = plainly,
  xLabel = 'epoch',
}: {
  title: string;
  x: readonly number[];
  series: readonly Series[];
  show?: (value: number) => string;
  xLabel?: string;
}): VNode {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const labels = series.map(({ label }) => label).join('\n');
  const data = [x, ...series.map(({ values }) => values)] as unknown as uPlot.AlignedData;

  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const make = (): void => {
      plot.current?.destroy();
      const axis = {
        stroke: valueOf('--soft'),
        grid: { stroke: valueOf('--grid'), width: 1 },
        ticks: { stroke: valueOf('--grid'), width: 1 },
      };
      const options: uPlot.Options = {
        width: at.clientWidth,
        height: 220,
        scales: { x: { time: false } },
        cursor: { points: { size: 7 } },
        legend: { live: true },
        axes: [{ ...axis, incrs: wholes }, { ...axis, size: 64, values: (_, ticks) => ticks.map(show) }],
        series: [
          { label: xLabel },
          ...labels.split('\n').map((label, i) => ({
            label,
            stroke: valueOf(colours[i % colours.length]),
            width: 1.6,
            spanGaps: true,
            points: { show: x.length < 40, size: 5 },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : show(value)),
          })),
        ],
      };
      plot.current = new uPlot(options, data, at);
    };
    make();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: at.clientWidth, height: 220 }));
    resized.observe(at);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', make);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [labels, title]);
  useEffect(() => plot.current?.setData(data));
  return (
    <figure class="card curves">
      <figcaption>{title}</figcaption>
      <div ref={box} role="img" aria-label={describe(title, series, show)} />
    </figure>
  );
}
