import {
  checkOptions,
  checkRange,
  EspalierError,
  hash,
  type Moment,
  type ObservedStep,
  type Parameter,
  type PluginState,
  type Read,
  type RunState,
  randomUniform,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { Tally } from '../criteria/tally.js';
import { callsOf } from '../graph/calls.js';
import { type Inside, inside, type Node } from '../graph/inside.js';
import { probe } from '../graph/probe.js';
import type { Parts } from '../structures/parts.js';
import { spreadValues } from '../structures/slice.js';
import type { Structures } from '../structures/structures.js';
import { patches } from './patches.js';
import { refit } from './solve.js';

/** What the weights that stay are fitted to, and how firmly. */
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
  /** What it is given, in the model itself. */
  readonly reads: SymbolicTensor;
  /** Inputs of its window, and a constant 1 for the bias. */
  readonly n: number;
}

/** Numbers of a reader: what it is fitted by. */
interface Known {
  readonly gram: Float32Array;
  readonly kernel: Float32Array;
  readonly mask: Float32Array | undefined;
  readonly bias: Float32Array | undefined;
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
  readonly #run: RunState;
  readonly #readers: readonly Reader[];
  /** What each reader is given. */
  readonly #inputs: ReturnType<typeof probe>;
  /** Σ x xᵀ of each reader's inputs, [n, n], by the kernel's name. */
  readonly #grams: Tally;

  /**
   * @param state - What an earlier one has saved.
   * @throws EspalierError `unsupported-layer` for readers other than dense layers and convolutions, `bad-state`
   */
  constructor(
    owner: string,
    options: ReconstructOptions,
    run: RunState,
    sets: readonly Structures[],
    state?: PluginState,
  ) {
    this.#owner = owner;
    this.#options = { positions: 10, batches: 16, ridge: 1e-4, ...options };
    this.#run = run;
    const kernels = new Set(
      sets.flatMap(({ group }) => group!.members.filter((m) => m.part === 'reads').map((m) => m.parameter)),
    );
    const calls = callsOf(run.model as unknown as Inside);
    this.#readers = [...kernels].map((kernel) => this.#reader(run, kernel, calls.get(kernel.layer) ?? []));
    this.#inputs = probe(
      run.model,
      this.#readers.map(({ reads }) => reads),
    );
    const shapes = new Map(this.#readers.map(({ kernel, n }) => [kernel.name, [n, n]]));
    this.#grams = new Tally(owner, this.#options.batches, shapes, state);
  }

  #reader(run: RunState, kernel: Parameter, calls: readonly Node[]): Reader {
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
    if (calls.length !== 1) refuse('its layer is called more than once');
    const n = kernel.size / kernel.shape[kernel.shape.length - 1] + 1;
    if (n > largest) refuse(`its window has ${n - 1} inputs, more than ${largest - 1}`);
    const bias = run.parameters.find((p) => p.layer === kernel.layer && p.role === 'bias');
    return { kernel, bias, layer, n, reads: calls[0].inputTensors[0] };
  }

  get ready(): boolean {
    return this.#grams.seen > 0;
  }

  /** Within a tidy. */
  observe({ at, inputs }: ObservedStep): void {
    if (!this.#grams.wants(at)) return;
    const tensors = this.#inputs(inputs);
    const products = this.#readers.map(({ layer, kernel }, i): [string, tf.Tensor] => {
      const random = randomUniform(hash(this.#run.seed, at.step, i));
      const rows = patches(layer, tensors[i], this.#options.positions, random);
      const x = tf.concat([rows, tf.ones([rows.shape[0], 1])], 1) as tf.Tensor2D;
      return [kernel.name, tf.matMul(x, x, true)];
    });
    this.#grams.add(products);
  }

  /** What is sampled from now on is for the next firing. */
  fired(at: Moment): void {
    this.#grams.fired(at);
  }

  /** What `apply` has to know of each reader. */
  look(): Record<keyof Known, tf.Tensor | undefined>[] {
    return this.#readers.map(({ kernel, bias }) => ({
      gram: this.#grams.sum(kernel.name),
      kernel: kernel.variable,
      mask: this.#run.mask(kernel),
      bias: bias?.variable,
    }));
  }

  /** Fits the layers whose inputs are pruned, before the masks are set. `known` is of what `look` gave. */
  apply(pruned: Parts, known: readonly Record<keyof Known, Float32Array | undefined>[]): void {
    for (const [i, reader] of this.#readers.entries()) {
      const part = pruned.get(reader.kernel);
      if (part !== undefined) this.#refit(reader, known[i] as Known, spreadValues(part.slices, part.factors));
    }
  }

  #refit({ kernel, bias, n }: Reader, known: Known, kept: Float32Array): void {
    const { mask: before } = known;
    const now = kept.map((k, i) => (before?.[i] === 0 ? 0 : k));
    const m = kernel.shape[kernel.shape.length - 1];
    const rowOf = (of: ArrayLike<number> | undefined, i: number): boolean =>
      of === undefined || Array.from({ length: m }, (_, j) => of[i * m + j]).some((k) => k !== 0);
    const rows = Array.from({ length: n - 1 }, (_, i) => i);
    const inputs = rows.filter((i) => rowOf(now, i));
    if (inputs.length === rows.filter((i) => rowOf(before, i)).length) return; // No input goes.
    const columns = Array.from({ length: m }, (_, j) => inputs.some((i) => now[i * m + j] !== 0));
    if (inputs.some((i) => columns.some((there, j) => there && now[i * m + j] === 0))) {
      throw new EspalierError(
        'invalid-schedule',
        `${this.#owner}: single weights of ${kernel.name} are pruned.`,
        {
          remedy: 'Reconstruct first, prune single weights after.',
        },
      );
    }
    if (bias !== undefined) inputs.push(n - 1);
    const weights = new Float64Array(n * m);
    weights.set(known.kernel);
    if (known.bias !== undefined) weights.set(known.bias, (n - 1) * m);
    const fitted = refit(
      Float64Array.from(known.gram),
      weights,
      Int32Array.from(inputs),
      n,
      m,
      this.#options.ridge,
    );
    write(kernel, fitted.subarray(0, (n - 1) * m));
    if (bias !== undefined) write(bias, fitted.subarray((n - 1) * m));
  }

  save(read: Read): PluginState | Promise<PluginState> {
    return this.#grams.save(read);
  }

  dispose(): void {
    this.#grams.restart();
  }
}

function write({ variable }: Parameter, values: Float64Array): void {
  const tensor = tf.tensor(Float32Array.from(values), variable.shape);
  variable.assign(tensor as tf.Tensor);
  tensor.dispose();
}
