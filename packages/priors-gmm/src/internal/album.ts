import type { Figure, HistogramFigure, JointFrame, PluginState, StateArray } from '@espalier/core';
import { type Axis, histogramSeries, jointFigure, jointFrame } from '../frames.js';
import type { Mixture } from '../mixture.js';

interface Page {
  axis: Axis;
  frames: JointFrame[];
  series: HistogramFigure['series'][number][];
}

/** Pictures of the weights of every group over time. */
export class Album {
  readonly #initial = new Map<string, readonly Float32Array[]>();
  readonly #pages = new Map<string, Page>();

  /** Remembers where a group's weights start. */
  open(group: string, weights: readonly Float32Array[], mixture: Mixture): void {
    let least = 0;
    let greatest = 0;
    for (const values of [...weights, mixture.means]) {
      for (let i = 0; i < values.length; i++) {
        if (values[i] < least) least = values[i];
        if (values[i] > greatest) greatest = values[i];
      }
    }
    const margin = 0.05 * (greatest - least) || 0.1;
    this.#initial.set(
      group,
      weights.map((values) => values.slice()),
    );
    const axis = { low: least - margin, high: greatest + margin };
    this.#pages.set(group, { axis, frames: [], series: [histogramSeries('before', axis, weights)] });
    this.epoch(group, weights, mixture);
  }

  frame(group: string, label: string, weights: readonly Float32Array[], mixture: Mixture): void {
    const page = this.#pages.get(group);
    const initial = this.#initial.get(group);
    if (page === undefined || initial === undefined) return;
    // A layer that was cut in the meantime has no weights to compare with.
    if (weights.some((values, i) => values.length !== initial[i]?.length)) return;
    page.frames.push(jointFrame(label, page.axis, initial, weights, mixture));
  }

  /** A picture of the end of an epoch. */
  epoch(group: string, weights: readonly Float32Array[], mixture: Mixture): void {
    this.frame(group, `epoch ${this.#pages.get(group)?.frames.length ?? 0}`, weights, mixture);
  }

  /** A picture of what training has come to: that of the last epoch, by another name. */
  retrained(group: string, weights: readonly Float32Array[], mixture: Mixture): void {
    const frames = this.#pages.get(group)?.frames ?? [];
    if (frames.length > 1 && frames[frames.length - 1].label.startsWith('epoch')) frames.pop();
    this.frame(group, 'retrained', weights, mixture);
  }

  series(group: string, label: string, weights: readonly Float32Array[]): void {
    const page = this.#pages.get(group);
    page?.series.push(histogramSeries(label, page.axis, weights));
  }

  figures(): Figure[] {
    return [...this.#pages].flatMap(([group, { axis, frames, series }]) => {
      const of = group === 'all' ? 'the weights' : group;
      const histograms: HistogramFigure = {
        kind: 'histograms',
        title: `Histograms of ${of}`,
        x: 'weight',
        ...axis,
        series,
      };
      return [...(frames.length > 0 ? [jointFigure(`How ${of} moved`, axis, frames)] : []), histograms];
    });
  }

  save(into: Record<string, StateArray>): unknown {
    for (const [group, weights] of this.#initial) {
      for (const [i, values] of weights.entries()) into[`initial/${group}/${i}`] = values;
    }
    return [...this.#pages].map(([group, page]) => [
      group,
      { ...page, frames: [...page.frames], series: [...page.series] },
    ]);
  }

  /** As it was saved. */
  static of({ arrays = {} }: PluginState, json: unknown): Album {
    const album = new Album();
    for (const [group, page] of json as [string, Page][]) {
      album.#pages.set(group, { axis: page.axis, frames: [...page.frames], series: [...page.series] });
      const weights: Float32Array[] = [];
      for (let i = 0; arrays[`initial/${group}/${i}`] !== undefined; i++) {
        weights.push(arrays[`initial/${group}/${i}`] as Float32Array);
      }
      album.#initial.set(group, weights);
    }
    return album;
  }
}
