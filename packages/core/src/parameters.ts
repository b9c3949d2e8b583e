import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import type { Axes, Parameter, Role } from './parameter.js';

/** The parts of TF.js layers that its declarations hide. */
interface Weight {
  readonly id: number;
  readonly originalName: string;
  readonly trainable: boolean;
  readonly val: tf.Variable;
}
interface Cell {
  getClassName(): string;
  readonly cells?: readonly Cell[];
  readonly weights: readonly Weight[];
}
interface Inside {
  getClassName(): string;
  readonly name: string;
  readonly trainable: boolean;
  readonly layers?: readonly layers.Layer[];
  readonly forwardLayer?: layers.Layer;
  readonly backwardLayer?: layers.Layer;
  readonly layer?: layers.Layer;
  readonly cell?: Cell;
  readonly weights: readonly Weight[];
}

const gatesOf: Readonly<Record<string, number>> = {
  LSTM: 4,
  LSTMCell: 4,
  ConvLSTM2D: 4,
  ConvLSTM2DCell: 4,
  GRU: 3,
  GRUCell: 3,
};

const roles: Readonly<Record<string, Role>> = {
  kernel: 'kernel',
  pointwise_kernel: 'kernel',
  depthwise_kernel: 'depthwise',
  recurrent_kernel: 'recurrent',
  embeddings: 'embedding',
  bias: 'bias',
  gamma: 'scale',
  alpha: 'scale',
  beta: 'offset',
  moving_mean: 'statistic',
  moving_variance: 'statistic',
};

/**
 * The name of what stands at a path: of models around it and its own. A layer may be named by its path already, as files name
 * those that are alike but for the models around them.
 *
 * @example
 * ```ts
 * import { pathName } from '@espalier/core';
 * if (pathName(['left', 'fc']) !== pathName(['left', 'left/fc'])) throw new Error('two names');
 * ```
 */
export function pathName(path: readonly string[]): string {
  return path.reduce(
    (outer, part) => (outer === '' || part.startsWith(`${outer}/`) ? part : `${outer}/${part}`),
    '',
  );
}

/** Layout of a weight by its role, its rank and the class of its layer (TF.js 4.22 layouts). */
function axesOf(role: Role, rank: number, className: string): Axes {
  const gates = gatesOf[className] ?? 1;
  const spatial = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  switch (role) {
    case 'kernel':
    case 'recurrent':
      return className.endsWith('Transpose')
        ? { spatial: spatial(rank - 2), out: rank - 2, in: rank - 1, gates }
        : { spatial: spatial(rank - 2), in: rank - 2, out: rank - 1, gates };
    case 'depthwise':
      return { spatial: spatial(rank - 2), in: rank - 2, multiplier: rank - 1, gates };
    case 'embedding':
      return { spatial: [], in: 0, out: 1, gates };
    case 'other':
      return { spatial: [], gates };
    default:
      return { spatial: [], out: rank - 1, gates };
  }
}

/** The layers inside a nested model or a bidirectional wrapper, which names them, or else inside a wrapper. */
function childrenOf({ layers: own, forwardLayer, backwardLayer, layer }: Inside): {
  readonly children: readonly layers.Layer[];
  readonly named: boolean;
} {
  if (own !== undefined) return { children: own, named: true };
  // `layer` of a bidirectional wrapper is only the pattern that the other two were copied from.
  if (forwardLayer && backwardLayer) return { children: [forwardLayer, backwardLayer], named: true };
  return { children: layer === undefined ? [] : [layer], named: false };
}

/**
 * @param frozen - Whether something around the layer is frozen: TF.js 4.22 marks the weights of most layers
 *   then, but not those of recurrent cells.
 */
function* inside(layer: layers.Layer, path: readonly string[], frozen: boolean): Generator<Parameter> {
  const it = layer as unknown as Inside;
  frozen ||= !it.trainable;
  const { children, named } = childrenOf(it);
  for (const child of children) yield* inside(child, named ? [...path, child.name] : path, frozen);
  if (children.length > 0) return;
  if (it.cell?.cells !== undefined) {
    for (const [i, cell] of it.cell.cells.entries()) {
      yield* weightsOf(layer, cell.weights, cell.getClassName(), [...path, `cell_${i}`], frozen);
    }
  } else {
    yield* weightsOf(layer, it.weights, it.cell?.getClassName() ?? it.getClassName(), path, frozen);
  }
}

function* weightsOf(
  layer: layers.Layer,
  weights: readonly Weight[],
  className: string,
  path: readonly string[],
  frozen: boolean,
): Generator<Parameter> {
  for (const weight of weights) {
    const last = weight.originalName.slice(weight.originalName.lastIndexOf('/') + 1);
    const role = roles[last] ?? 'other';
    const { val: variable } = weight;
    yield {
      name: `${pathName(path)}/${last}`,
      role,
      axes: axesOf(role, variable.shape.length, className),
      shape: variable.shape,
      size: variable.size,
      trainable: weight.trainable && !frozen && role !== 'statistic',
      layer,
      savedAs: weight.originalName,
      variable,
    };
  }
}

/**
 * All weight tensors of a model in topological order: dense, 1-D to 3-D, depthwise, separable and transposed
 * convolutions, embeddings, recurrent layers and wrappers around them, normalisation, nested models. A layer
 * that is used twice is listed once.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { parametersOf } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 3, inputShape: [2] })] });
 * const names = parametersOf(model).map((p) => `${p.name} ${p.role} [${p.shape}]`);
 * if (names.join() !== 'fc/kernel kernel [2,3],fc/bias bias [3]') throw new Error(names.join());
 * ```
 */
export function parametersOf(model: LayersModel): Parameter[] {
  const seen = new Set<tf.Variable>();
  const found: Parameter[] = [];
  for (const layer of model.layers) {
    for (const parameter of inside(layer, [layer.name], false)) {
      if (seen.has(parameter.variable)) continue;
      seen.add(parameter.variable);
      found.push(parameter);
    }
  }
  return found;
}

/**
 * All layers of a model, those inside nested models and wrappers included, containers left out.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { layersOf, unseededLayers } from '@espalier/core';
 * const { dense, gaussianNoise } = tfl.layers;
 * const inner = tfl.sequential({ layers: [dense({ name: 'fc', units: 2, inputShape: [2] })] });
 * const model = tfl.sequential({ layers: [inner, gaussianNoise({ name: 'noise', stddev: 0.1 })] });
 * if (layersOf(model).map(({ name }) => name).join() !== 'fc,noise') throw new Error('unexpected');
 * if (unseededLayers(model).length !== 1) throw new Error('unexpected');
 * ```
 */
export function layersOf(model: LayersModel): layers.Layer[] {
  const found = new Set<layers.Layer>();
  const visit = (layer: layers.Layer): void => {
    const { children } = childrenOf(layer as unknown as Inside);
    if (children.length === 0) found.add(layer);
    for (const child of children) visit(child);
  };
  for (const layer of model.layers) visit(layer);
  return [...found];
}
