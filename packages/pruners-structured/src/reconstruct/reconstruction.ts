import {
  checkOptions,
  checkRange,
  EspalierError,
  hash,
  type Moment,
  type ObservedStep,
  type Parameter,
  type PluginState,
  type Run,
  uniform,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { model as functionalModel, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { type Inside, inside } from '../graph/inside.js';
import type { Structures } from '../structures/structures.js';
import { patches } from './patches.js';
import { refit } from './solve.js';

export interface ReconstructOptions {
  /** Random positions per feature map and step, the same for all examples. Default 10. */
  readonly positions?: number;
  /** Steps before a firing over which inputs are sampled. Default 16. */
  readonly batches?: number;
  /** How strongly weights hold to what they are, relative to the mean square of the inputs. Default 1e-4. */
  readonly ridge?: number;
}

/** @throws EspalierError `unknown-option`, `invalid-option` */
export function checkReconstruct(owner: string, options: ReconstructOptions): void {
  checkOptions(`${owner}: reconstruct`, options, ['positions', 'batches', 'ridge']);
  const { positions = 10, batches = 16, ridge = 1e-4 } = options;
  for (const [name, value] of Object.entries({ positions, batches })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new EspalierError('invalid-option', `${owner}: reconstruct.${name} is ${value}.`, {
      remedy: 'Give a whole number >= 1.',
    });
  }
  checkRange(owner, 'reconstruct.ridge', ridge, Number.MIN_VALUE, Number.MAX_VALUE);
}

/** A layer that reads units which may go. */
interface Reader {
  readonly kernel: Parameter;
  readonly bias: Parameter | undefined;
  readonly layer: Inside;
  /** Inputs of its window, and a constant 1 for the bias. */
  readonly n: number;
  readonly gram: Float64Array;
}

const largest = 2400; // inputs of a window; the equations are solved in a time of n³

/**
 * Feature-map reconstruction (He et al. 2017, "Channel pruning for accelerating very deep neural networks", eq.
 * 1 with the channels given): when inputs of a layer go, its other weights and its bias are fitted so that its
 * outputs stay as near as can be, in least squares over sampled inputs. Only G = XᵀX of the inputs is needed: the
 * outputs are X W.
 */
export class Reconstruction {
  readonly #owner: string;
  readonly #options: Required<ReconstructOptions>;
  #run: Run | undefined;
  #readers: readonly Reader[] = [];
  #probe: LayersModel | undefined;
  #seen = 0;
  #from = Number.POSITIVE_INFINITY;

  constructor(owner: string, options: ReconstructOptions) {
    checkReconstruct(owner, options);
    this.#owner = owner;
    this.#options = { positions: 10, batches: 16, ridge: 1e-4, ...options };
  }

  /** @throws EspalierError `unsupported-layer` for readers other than dense layers and convolutions */
  start(run: Run, sets: readonly Structures[]): void {
    this.#run = run;
    this.#seen = 0;
    this.#from = Number.POSITIVE_INFINITY;
    const kernels = new Set(
      sets.flatMap(({ group }) => group!.members.filter((m) => m.part === 'reads').map((m) => m.parameter)),
    );
    this.#readers = [...kernels].map((kernel) => this.#reader(run, kernel));
    const outputs = this.#readers.map(({ layer }) => layer.inboundNodes[0].inputTensors[0] as SymbolicTensor);
    this.#probe = functionalModel({ inputs: run.model.inputs, outputs });
  }

  #reader(run: Run, kernel: Parameter): Reader {
    const layer = inside(kernel.layer);
    const kind = layer.getClassName();
    const refuse = (why: string): never => {
      throw new EspalierError(
        'unsupported-layer',
        `${this.#owner} cannot reconstruct ${kernel.name}: ${why}.`,
        {
          remedy: 'Leave what it reads out of the schedule, or prune without reconstruct.',
        },
      );
    };
    if (!['Dense', 'Conv1D', 'Conv2D'].includes(kind)) refuse(`its layer is a ${kind}`);
    if (!run.model.layers.includes(kernel.layer)) refuse('its layer is inside another one');
    if (layer.inboundNodes.length !== 1) refuse('its layer is called more than once');
    const n = kernel.size / kernel.shape[kernel.shape.length - 1] + 1;
    if (n > largest) refuse(`its window has ${n - 1} inputs, more than ${largest - 1}`);
    const bias = run.parameters.find((p) => p.layer === kernel.layer && p.role === 'bias');
    return { kernel, bias, layer, n, gram: new Float64Array(n * n) };
  }

  get ready(): boolean {
    return this.#seen > 0;
  }

  observe({ at, inputs }: ObservedStep): void {
    if (at.step < this.#from) return;
    const tensors = [this.#probe!.apply(inputs, { training: false })].flat() as tf.Tensor[];
    for (const [i, { layer, gram }] of this.#readers.entries()) {
      const products = tf.tidy(() => {
        const random = uniform(hash(this.#run!.seed, at.step, i));
        const rows = patches(layer, tensors[i], this.#options.positions, random);
        const x = tf.concat([rows, tf.ones([rows.shape[0], 1])], 1);
        return tf.matMul(x, x, true).dataSync();
      });
      for (let k = 0; k < gram.length; k++) gram[k] += products[k];
    }
    this.#seen++;
  }

  /** What is sampled from now on is for the next firing. */
  fired(at: Moment): void {
    const period = Math.round(at.every * at.stepsPerEpoch);
    this.#from = at.step + Math.max(0, period - this.#options.batches);
    for (const { gram } of this.#readers) gram.fill(0);
    this.#seen = 0;
  }

  /** Fits the layers whose inputs these masks take away, before the masks are set. */
  apply(masks: ReadonlyMap<Parameter, tf.Tensor>): void {
    for (const reader of this.#readers) {
      const mask = masks.get(reader.kernel);
      if (mask !== undefined) this.#refit(reader, mask);
    }
  }

  #refit({ kernel, bias, n, gram }: Reader, mask: tf.Tensor): void {
    const m = kernel.shape[kernel.shape.length - 1];
    const before = this.#run!.mask(kernel)?.dataSync();
    const now = mask.dataSync().map((k, e) => (before?.[e] === 0 ? 0 : k));
    const rowOf = (of: ArrayLike<number> | undefined, i: number): boolean =>
      of === undefined || Array.from({ length: m }, (_, j) => of[i * m + j]).some((k) => k !== 0);
    const rows = Array.from({ length: n - 1 }, (_, i) => i);
    const kept = rows.filter((i) => rowOf(now, i));
    if (kept.length === rows.filter((i) => rowOf(before, i)).length) return; // No input goes.
    const columns = Array.from({ length: m }, (_, j) => kept.some((i) => now[i * m + j] !== 0));
    if (kept.some((i) => columns.some((there, j) => there && now[i * m + j] === 0))) {
      throw new EspalierError(
        'invalid-schedule',
        `${this.#owner}: single weights of ${kernel.name} are pruned.`,
        {
          remedy: 'Reconstruct first, prune single weights after.',
        },
      );
    }
    if (bias !== undefined) kept.push(n - 1);
    const weights = new Float64Array(n * m);
    weights.set(kernel.variable.dataSync());
    if (bias !== undefined) weights.set(bias.variable.dataSync(), (n - 1) * m);
    const fitted = refit(gram, weights, Int32Array.from(kept), n, m, this.#options.ridge);
    write(kernel, fitted.subarray(0, (n - 1) * m));
    if (bias !== undefined) write(bias, fitted.subarray((n - 1) * m));
  }

  save(): PluginState {
    const json = { seen: this.#seen, from: Number.isFinite(this.#from) ? this.#from : null };
    return { json, arrays: Object.fromEntries(this.#readers.map((r) => [r.kernel.name, r.gram.slice()])) };
  }

  load({ json, arrays = {} }: PluginState): void {
    const { seen, from } = json as { seen: number; from: number | null };
    this.#seen = seen;
    this.#from = from ?? Number.POSITIVE_INFINITY;
    for (const { kernel, gram } of this.#readers) gram.set(arrays[kernel.name] as Float64Array);
  }
}

function write({ variable }: Parameter, values: Float64Array): void {
  const tensor = tf.tensor(Float32Array.from(values), variable.shape);
  variable.assign(tensor as tf.Tensor);
  tensor.dispose();
}
