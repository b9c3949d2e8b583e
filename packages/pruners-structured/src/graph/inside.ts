import type { layers, SymbolicTensor } from '@tensorflow/tfjs-layers';

/** A shape without the batch dimension; `null` where a size is not known. */
export type Shape = readonly (number | null)[];

/** One call of a layer in a model's graph. */
export interface Node {
  readonly inputTensors: readonly SymbolicTensor[];
  readonly outputTensors: readonly SymbolicTensor[];
}

/** The parts of TF.js layers that its declarations hide; each is there for some classes only. */
export interface Inside {
  readonly name: string;
  readonly inboundNodes: readonly Node[];
  readonly batchInputShape?: Shape | null;
  readonly inputs?: readonly SymbolicTensor[];
  readonly outputs?: readonly SymbolicTensor[];
  readonly layers?: readonly layers.Layer[];
  readonly layer?: layers.Layer;
  readonly forwardLayer?: layers.Layer;
  readonly backwardLayer?: layers.Layer;
  readonly mergeMode?: 'concat' | 'sum' | 'mul' | 'ave' | null;
  readonly cell?: Inside;
  readonly activation?: Activation;
  readonly recurrentActivation?: Activation;
  readonly useBias?: boolean;
  readonly dataFormat?: string | null;
  readonly padding?: unknown;
  readonly kernelSize?: readonly number[];
  readonly axis?: number | readonly number[];
  readonly dims?: readonly number[];
  readonly n?: number;
  readonly depthMultiplier?: number;
  readonly returnState?: boolean;
  readonly returnSequences?: boolean;
  readonly stateful?: boolean;
  getClassName(): string;
}

/** A TF.js activation function. */
export interface Activation {
  getClassName(): string;
  apply(x: unknown): unknown;
}

/** A layer with what its declarations hide. */
export function inside(layer: layers.Layer): Inside {
  return layer as unknown as Inside;
}

/** Is the layer a model of its own? */
export function isModel(layer: Inside): boolean {
  return layer.layers !== undefined && layer.inputs !== undefined && layer.outputs !== undefined;
}
