import { EspalierError, type Parameter, parametersOf } from '@espalier/core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { Atoms } from './atoms.js';
import { type Ask, type Flow, unknown } from './flow.js';
import type { Inside, Shape } from './inside.js';
import type { Matrix } from './matrix.js';
import { nameOf, type Path, Places } from './places.js';

/**
 * What an axis of a weight tensor has to do with the channels along it: its layer produces them, works on
 * each of them by itself, or reads them.
 */
export type Part = 'produces' | 'carries' | 'reads';

/** An axis of a weight tensor and the atom of each index along it. */
export interface Slot {
  readonly parameter: Parameter;
  readonly axis: number;
  readonly part: Part;
  readonly atoms: Int32Array;
}

/** A number in a layer's configuration that counts channels. */
export interface Size {
  readonly path: Path;
  readonly key: 'units' | 'filters' | 'output_dim' | 'target_shape' | 'batch_input_shape';
  readonly atoms: Int32Array;
}

/** A layer that mixes channels: where constants end and where what is not read shows. */
export interface Read {
  readonly path: Path;
  readonly matrix: Matrix;
  readonly inputs: Int32Array;
  readonly outputs: Int32Array;
  /** Of the inputs, merged over all calls of the layer. */
  readonly constants: Float64Array;
  /** Can a constant other than 0 be moved into the bias? */
  readonly foldable: boolean;
  /** Undefined where the layer has none; it can be given one. */
  readonly bias: Parameter | undefined;
  /** The name of the bias, there or not. */
  readonly biasName: string;
}

/** One call of one layer. */
export interface Site {
  readonly layer: Inside;
  readonly path: Path;
  readonly outputShapes: readonly Shape[];
}

/** What it takes to follow constants: the weights by name, and how to compute with them. */
export interface Known {
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly ask: Ask;
}

/** Channels followed through the graph of a model: what is tied to what, and what stays constant. */
export class Trace {
  readonly atoms: Atoms = new Atoms();
  readonly slots: Map<string, Slot> = new Map();
  readonly sizes: Map<string, Size> = new Map();
  readonly reads: Map<string, Read> = new Map();
  /** The atoms of every tensor. */
  readonly tensors: Int32Array[] = [];
  /** What flows out of the layers of the model itself (not of nested ones), first call. */
  readonly outputs: Map<string, Flow> = new Map();
  /** Are constants followed too? Then the weights are known. */
  readonly values: boolean;
  readonly ask: Ask;
  readonly parameters: readonly Parameter[];
  readonly places: Places;
  readonly #byLayer = new Map<layers.Layer, Map<string, Parameter>>();
  readonly #known: Known | undefined;

  constructor(model: LayersModel, parameters: readonly Parameter[] = parametersOf(model), known?: Known) {
    this.values = known !== undefined;
    this.#known = known;
    this.ask = (make) => this.#known!.ask(make);
    this.parameters = parameters;
    this.places = new Places(model);
    for (const parameter of this.parameters) {
      const own = this.#byLayer.get(parameter.layer) ?? new Map<string, Parameter>();
      this.#byLayer.set(parameter.layer, own);
      own.set(parameter.name.slice(parameter.name.lastIndexOf('/') + 1), parameter);
    }
  }

  /** A weight of a layer by the last part of its name. */
  weight({ layer }: Site, name: string): Parameter | undefined {
    return this.#byLayer.get(layer as unknown as layers.Layer)?.get(name);
  }

  /** A weight that the layer cannot be without. */
  needed(site: Site, name: string): Parameter {
    const found = this.weight(site, name);
    if (found === undefined) {
      throw new EspalierError('unsupported-layer', `${nameOf(site.path)} has no weight '${name}'.`);
    }
    return found;
  }

  /** Values of a weight. */
  data({ name }: Parameter): Float32Array {
    return this.#known!.weights.get(name)!;
  }

  /** Notes that an axis runs along these channels; a second call of the layer ties the channels of both. */
  bind(parameter: Parameter, axis: number, part: Part, atoms: Int32Array): void {
    const key = `${parameter.name}:${axis}`;
    const before = this.slots.get(key);
    if (before === undefined) this.slots.set(key, { parameter, axis, part, atoms });
    else this.atoms.union(before.atoms, atoms);
  }

  /** The channels a layer makes, along an axis of a weight: the same ones at every call. */
  produced(parameter: Parameter, axis: number, n: number): Int32Array {
    const before = this.slots.get(`${parameter.name}:${axis}`);
    if (before !== undefined) return before.atoms.slice(0, n);
    return this.atoms.fresh(n);
  }

  /** Notes that a number in a layer's configuration counts these channels. */
  size(path: Path, key: Size['key'], atoms: Int32Array): void {
    const id = `${path.join('\n')}\n${key}`;
    const before = this.sizes.get(id);
    if (before === undefined) this.sizes.set(id, { path, key, atoms });
    else if (before.atoms.length === atoms.length) this.atoms.union(before.atoms, atoms);
    else {
      const reason = `${nameOf(path)} is called with ${before.atoms.length} and with ${atoms.length} channels`;
      this.atoms.protect(before.atoms, reason);
      this.atoms.protect(atoms, reason);
    }
  }

  /** Notes that a layer mixes channels. Calls of a shared layer agree on a constant or there is none. */
  read(kernel: Parameter, read: Omit<Read, 'biasName'>): void {
    const before = this.reads.get(kernel.name);
    if (before === undefined) {
      const biasName = `${kernel.name.slice(0, kernel.name.lastIndexOf('/') + 1)}bias`;
      this.reads.set(kernel.name, { ...read, biasName });
    } else {
      for (const [i, c] of read.constants.entries()) {
        if (before.constants[i] !== c) before.constants[i] = Number.NaN;
      }
    }
  }

  /** A tensor with `n` channels of its own that must stay. */
  closed(shape: Shape, reason: string): Flow {
    const n = shape.at(-1) ?? 0;
    const atoms = this.atoms.fresh(n);
    this.atoms.protect(atoms, reason);
    return { shape, atoms, constants: unknown(n) };
  }
}

/** How a layer turns what it is given into what it gives. */
export type Rule = (site: Site, inputs: readonly Flow[], trace: Trace) => readonly Flow[];
