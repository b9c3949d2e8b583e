import type { Figure, MapFrame } from '@espalier/core';
import { binned, mapFrame, shrink } from '../figures.js';
import type { LayerPosterior } from './layer-posterior.js';

/** Greatest size of a map of weights, and how many epochs are kept of each layer. */
const [mapSize, mostFrames] = [[160, 120] as const, 24];
const bins = 40;
/** Of the map of rates, in cells. */
const rowsHeight = 90;
const examples = 5;

interface Page {
  /** What a full colour stands for in the maps. */
  most: number;
  readonly frames: MapFrame[];
  /** Rates of each epoch, one per group. */
  readonly rates: number[][];
  /** Are the groups what the layer reads? */
  readonly reads: boolean;
  /** 1 for groups that are pruned. */
  dropped: number[];
}

/** What is remembered of the input's features. */
interface Inputs {
  readonly width: number;
  readonly height: number;
  readonly examples: number[][];
}

/** The sides of an input that is an image of one channel, flat or not. */
function imageSides(shape: readonly number[]): { width: number; height: number } | undefined {
  const own = shape.slice(1);
  if (own.length === 3 && own[2] === 1) return { height: own[0], width: own[1] };
  const side = Math.sqrt(own[0]);
  return own.length === 1 && Number.isInteger(side) && side > 3 ? { width: side, height: side } : undefined;
}

/** Pictures of a posterior over time. */
export class Album {
  #pages = new Map<string, Page>();
  #inputs: Inputs | undefined;

  /** How many examples of inputs it wants, which it has not got and which are images. */
  wants(shape: readonly number[]): number {
    return this.#inputs === undefined && imageSides(shape) !== undefined ? Math.min(examples, shape[0]) : 0;
  }

  /** Remembers examples of inputs. */
  inputs(shape: readonly number[], values: Float32Array): void {
    const sides = imageSides(shape);
    if (sides === undefined) return;
    const size = sides.width * sides.height;
    const shown = Array.from({ length: shape[0] }, (_, k) =>
      Array.from({ length: size }, (_, i) => Number(values[k * size + i].toFixed(2))),
    );
    this.#inputs = { ...sides, examples: shown };
  }

  /**
   * A picture of a layer after an epoch.
   *
   * @param weights - Of the kernel.
   * @param epochs - How many the stage has.
   */
  frame(layer: LayerPosterior, weights: Float32Array, own: Float32Array, epochs: number): void {
    const { name, shape } = layer.kernel;
    const reads = layer.groups.side === 'inputs';
    const page = this.#pages.get(name) ?? { most: 0, frames: [], rates: [], reads, dropped: [] };
    this.#pages.set(name, page);
    page.dropped = [...layer.dropped];
    const epoch = page.rates.length;
    page.rates.push(Array.from(own, (rate) => Number(rate.toFixed(3))));
    const every = Math.ceil((epochs + 1) / mostFrames);
    if (epoch % every !== 0 && epoch !== epochs) return;
    if (page.most === 0) page.most = Number((3 * deviation(weights)).toPrecision(3));
    const small = shrink(transposed(weights, shape[shape.length - 1]), mapSize);
    page.frames.push(mapFrame(`epoch ${epoch}`, small, page.most));
  }

  figures(): Figure[] {
    const found: Figure[] = [];
    for (const [name, { most, frames, rates }] of this.#pages) {
      const title = `Weights of ${name}`;
      found.push({ kind: 'map', title, x: 'what it reads', y: 'what it makes', most, frames });
      found.push(...ratesFigures(name, rates));
    }
    const image = this.#importance();
    return image === undefined ? found : [image, ...found];
  }

  /** What the first layer makes of each feature of the input, beside inputs. */
  #importance(): Figure | undefined {
    const inputs = this.#inputs;
    const [page] = this.#pages.values();
    const rates = page?.rates.at(-1);
    if (inputs === undefined || rates === undefined || !page.reads) return undefined;
    const { width, height } = inputs;
    if (rates.length !== width * height) return undefined;
    const keep = Float32Array.from(rates, (rate, i) => (page.dropped[i] ? 0 : 1 / (1 + Math.exp(rate))));
    const images = [mapFrame('kept, by 1 / (1 + α)', { width, height, values: keep }, 1)];
    for (const [k, example] of inputs.examples.entries()) {
      // What the net reads is red, what it does not is blue.
      const values = example.map((x, i) => (keep[i] > 0.5 ? x : -x));
      images.push(mapFrame(`example ${k + 1}: read red, not read blue`, { width, height, values }, 1));
    }
    return { kind: 'gallery', title: 'Which parts of the input matter', images };
  }

  save(): unknown {
    return { pages: copied([...this.#pages]), inputs: this.#inputs ?? null };
  }

  /** As it was saved. */
  static of(json: unknown): Album {
    const { pages, inputs } = json as { pages: [string, Page][]; inputs: Inputs | null };
    const album = new Album();
    album.#pages = new Map(copied(pages));
    album.#inputs = inputs ?? undefined;
    return album;
  }
}

/** Pages that go on apart from these. */
function copied(pages: readonly [string, Page][]): [string, Page][] {
  return pages.map(([name, page]) => [name, { ...page, frames: [...page.frames], rates: [...page.rates] }]);
}

/** The dropout rates of all groups by epoch, as a map and as histograms of the first and the last. */
function ratesFigures(name: string, rates: readonly number[][]): Figure[] {
  const last = rates[rates.length - 1];
  const order = Array.from(last, (_, i) => i).sort((a, b) => last[a] - last[b]);
  // Rows as high as it takes to see them.
  const high = Math.max(1, Math.floor(rowsHeight / rates.length));
  const rows = rates.flatMap((row) => Array<readonly number[]>(high).fill(order.map((i) => row[i])));
  const wide = Float32Array.from(rows.flat());
  const matrix = shrink({ width: order.length, height: rows.length, values: wide }, [320, 400]);
  const label = `epochs 0 to ${rates.length - 1}, from above`;
  const [lowest, highest] = [
    Math.min(...rates.map((r) => Math.min(...r))),
    Math.max(...rates.map((r) => Math.max(...r))),
  ];
  const range = {
    low: Math.floor(lowest),
    high: Math.ceil(highest) + (Math.floor(lowest) === Math.ceil(highest) ? 1 : 0),
  };
  const series = [0, rates.length - 1].map((epoch) => ({
    label: `epoch ${epoch}`,
    counts: binned(rates[epoch], range.low, range.high, bins),
    zeros: 0,
  }));
  return [
    {
      kind: 'map',
      title: `Rates of the groups of ${name}`,
      x: 'groups, by their last rate (red: to go, blue: to stay)',
      y: 'epochs',
      most: 8,
      frames: [mapFrame(label, matrix, 8)],
    },
    { kind: 'histograms', title: `Rates of ${name}`, x: 'rate', of: 'groups', ...range, series },
  ];
}

function deviation(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return Math.sqrt(sum / values.length) || 1;
}

/** A kernel's matrix with what it makes down and what it reads across. */
function transposed(
  values: ArrayLike<number>,
  columns: number,
): { width: number; height: number; values: Float32Array } {
  const rows = values.length / columns;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) turned[(i % columns) * rows + Math.floor(i / columns)] = values[i];
  return { width: rows, height: columns, values: turned };
}
