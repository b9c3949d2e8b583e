import { plot } from '../plot/frame.js';
import { stems, steps } from '../plot/marks.js';
import { linear } from '../plot/scale.js';
import type { WatchedTensor } from '../watch.js';
import { countScale } from './histograms.js';

/**
 * A tensor at a moment of a run, as SVG: the values it shares where they are few, else its histogram.
 *
 * @example
 * ```ts
 * import { drawWatched, watchTensor } from '@espalier/report';
 * const svg = drawWatched(watchTensor('kernel', [2, 3], Float32Array.of(0, 1, 0, -1, 0.5, 0.25)));
 * if (!svg.includes('aria-label="kernel"')) throw new Error(svg);
 * ```
 */
export function drawWatched({ name, low, high, counts, codebook }: WatchedTensor): string {
  const edges = Array.from({ length: counts.length + 1 }, (_, i) => low + (i * (high - low)) / counts.length);
  const most = Math.max(1, ...(codebook?.counts ?? counts));
  const room = (high - low) / 40;
  return plot({
    title: name,
    width: 360,
    height: 200,
    x: {
      label: codebook ? 'shared value' : 'weight',
      scale: linear(low - room, high + room, { nice: false, ticks: 5 }),
    },
    y: { label: 'weights, log.', scale: countScale(most) },
    marks: [
      codebook
        ? stems(
            codebook.values.map((value, i) => [value, codebook.counts[i]] as const),
            's1',
            's2',
          )
        : steps(edges, counts, 'compressed'),
    ],
  }).source;
}
