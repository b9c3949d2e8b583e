import { EspalierError, type Parameter, parametersOf } from '@espalier/core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { type Inside, inside, isModel, type Shape } from './graph/inside.js';
import { type Graph, outputsOf } from './graph/outputs.js';
import { nameOf, Places } from './graph/places.js';

/** Multiplications of one layer for one example. */
export interface LayerMacs {
  /** The layer's name, with those of the models it is in. */
  readonly name: string;
  readonly macs: number;
}

/** Multiplications of a model for one example. */
export interface Macs {
  readonly macs: number;
  readonly layers: readonly LayerMacs[];
}

/** What {@link countMacs} cannot know from the model. */
export interface MacsOptions {
  /** Shapes of one example of each input, where the model leaves sizes open: `[[224, 224, 3]]`. */
  readonly inputShapes?: readonly (readonly number[])[];
}

const product = (shape: Shape): number => shape.reduce<number>((a, b) => a * (b ?? Number.NaN), 1);

/**
 * Multiply-accumulate operations of a model for one example: those of the kernels of dense, convolutional
 * (depthwise, separable, transposed) and recurrent layers. Biases, activations, normalisation and pooling are
 * not counted, nor is sparsity: a weight that is 0 costs as much as any other unless it is removed.
 *
 * A convolution costs output positions × weights of its kernel, a transposed one input positions × weights, a
 * recurrent layer time steps × weights of both its kernels, a dense layer positions × weights.
 *
 * @throws EspalierError `invalid-option` where a size is open and no input shape is given
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { countMacs } from '@espalier/pruners-structured';
 * const model = tfl.sequential({
 *   layers: [
 *     tfl.layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, inputShape: [8, 8, 2] }), // 6 × 6 × 3·3·2·4
 *     tfl.layers.flatten(),
 *     tfl.layers.dense({ name: 'fc', units: 10 }), // 144 × 10
 *   ],
 * });
 * const { macs, layers } = countMacs(model);
 * if (macs !== 2592 + 1440 || layers[0].macs !== 2592) throw new Error(String(macs));
 * ```
 */
export function countMacs(model: LayersModel, options: MacsOptions = {}): Macs {
  const weights = new Map<layers.Layer, Parameter[]>();
  for (const p of parametersOf(model)) weights.set(p.layer, [...(weights.get(p.layer) ?? []), p]);
  const counts = new Map<string, number>();
  const { inputShapes } = options;
  if (inputShapes !== undefined && inputShapes.length !== model.inputs.length) {
    throw new EspalierError('invalid-option', `${inputShapes.length} input shapes were given.`, {
      remedy: `The model has ${model.inputs.length} inputs.`,
    });
  }

  const add = (name: string, macs: number): void => {
    if (Number.isNaN(macs)) {
      throw new EspalierError('invalid-option', `The sizes that ${name} works on are open.`, {
        remedy: 'Say which to count for: countMacs(model, { inputShapes: [[224, 224, 3]] }).',
      });
    }
    counts.set(name, (counts.get(name) ?? 0) + macs);
  };

  const call = (
    layer: layers.Layer,
    name: string,
    inputs: readonly Shape[],
    times: number,
  ): readonly Shape[] => {
    const it = inside(layer);
    if (isModel(it)) return walk(it, name, inputs, times);
    const kind = it.getClassName();
    if (kind === 'TimeDistributed') {
      const [steps, ...rest] = inputs[0];
      const outputs = call(it.layer!, name, [rest], times * (steps ?? Number.NaN));
      return outputs.map((shape) => [steps, ...shape]);
    }
    const outputs = shapesAfter(layer, inputs);
    const own = [layer, it.forwardLayer, it.backwardLayer].flatMap((l) => (l && weights.get(l)) ?? []);
    if (own.length > 0) {
      const macs = own.reduce((sum, p) => sum + costOf(p, kind, it, inputs[0], outputs[0]), 0);
      if (macs !== 0) add(name, times * macs);
    }
    return outputs;
  };

  const places = new Places(model);
  const walk = (graph: Graph, prefix: string, feeds: readonly Shape[], times: number): readonly Shape[] =>
    outputsOf<Shape>(graph, feeds, (layer, _, inputs) =>
      call(layer, nameOf(places.of(layer) ?? [prefix, layer.name]), inputs, times),
    );

  walk(model, '', inputShapes ?? model.inputs.map(({ shape }) => shape.slice(1)), 1);
  const byLayer = [...counts].map(([name, macs]) => ({ name, macs }));
  return { macs: byLayer.reduce((sum, { macs }) => sum + macs, 0), layers: byLayer };
}

/** Shapes without the batch dimension through a layer. */
function shapesAfter(layer: layers.Layer, inputs: readonly Shape[]): readonly Shape[] {
  const full = inputs.map((shape) => [null, ...shape]);
  const result = layer.computeOutputShape((full.length === 1 ? full[0] : full) as never) as unknown;
  const shapes = (Array.isArray((result as unknown[])[0]) ? result : [result]) as (number | null)[][];
  return shapes.map((shape) => shape.slice(1));
}

/** Uses of each weight of a parameter for one example, times their number. */
function costOf(
  { role, size, shape, name }: Parameter,
  kind: string,
  layer: Inside,
  input: Shape,
  output: Shape,
): number {
  if (role !== 'kernel' && role !== 'depthwise' && role !== 'recurrent') return 0;
  if (layer.cell !== undefined || layer.forwardLayer !== undefined) {
    // Every time step uses the kernel at each output position of the state (1 unless it convolves).
    const steps = input[0] ?? Number.NaN;
    const cell = layer.cell ?? inside(layer.forwardLayer!).cell;
    const positions = shape.length > 2 ? positionsOfState(layer, output) : 1;
    return cell === undefined ? 0 : steps * positions * size;
  }
  if (kind === 'Dense') return product(input.slice(0, -1)) * size;
  if (kind.endsWith('Transpose')) return product(input.slice(0, -1)) * size;
  // A separable layer's depthwise kernel works at the output positions too.
  if (kind.includes('Conv')) return product(output.slice(0, -1)) * size;
  throw new EspalierError('unsupported-layer', `The cost of ${name} (${kind}) is not known.`);
}

function positionsOfState({ returnSequences }: Inside, output: Shape): number {
  return product(output.slice(returnSequences ? 1 : 0, -1));
}
