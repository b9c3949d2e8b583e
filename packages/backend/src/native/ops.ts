import * as tf from '@tensorflow/tfjs-core';

/** One attribute of a TensorFlow op, as tfjs-node's addon takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[] | object;
}

/** A result of the addon: a handle of TensorFlow's eager runtime. */
interface Output {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of tfjs-node's N-API addon that we use. */
export interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_RESOURCE: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_SHAPE: number;
  createTensor(shape: readonly number[], dtype: number, values: Float32Array | Int32Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): Output[];
}

/** Where tfjs-node keeps a tensor: the handle's id, and how many TF.js tensors share it. */
export interface Stored {
  id: number;
  values: unknown;
  readonly refCount: number;
}

/** tfjs-node's backend, with the members that its types call private. TF.js 4.22 is its last release. */
export interface NativeBackend extends tf.KernelBackend {
  readonly binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { get(dataId: tf.DataId): Stored };
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(output: Output): tf.Tensor;
  executeSingleOutput(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** The native backend, which must be registered. */
export function nativeBackend(): NativeBackend {
  return tf.findBackend('tensorflow') as NativeBackend;
}

/** Attribute makers for one backend. */
export interface Attributes {
  type(name: string, dtype: 'float32' | 'int32'): OpAttribute;
  int(name: string, value: number | readonly number[]): OpAttribute;
  bool(name: string, value: boolean): OpAttribute;
  string(name: string, value: string): OpAttribute;
  shape(name: string, value: readonly number[]): OpAttribute;
}

/** Attribute makers: the addon wants the type's number beside each value. */
export function attributes(binding: Binding): Attributes {
  return {
    type: (name, dtype) => ({
      name,
      type: binding.TF_ATTR_TYPE,
      value: dtype === 'float32' ? binding.TF_FLOAT : binding.TF_INT32,
    }),
    int: (name, value) => ({ name, type: binding.TF_ATTR_INT, value }),
    bool: (name, value) => ({ name, type: binding.TF_ATTR_BOOL, value }),
    string: (name, value) => ({ name, type: binding.TF_ATTR_STRING, value }),
    shape: (name, value) => ({ name, type: binding.TF_ATTR_SHAPE, value }),
  };
}
