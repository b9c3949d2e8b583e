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
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_SHAPE: number;
  createTensor(
    shape: readonly number[],
    dtype: number,
    values: Float32Array | Int32Array | Uint8Array,
  ): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): Output[];
  /** Of an addon that was compiled by us (addon/program.cc): a list of calls, run at once. */
  createProgram?(program: ProgramSpec): number;
  /** The ids of its results. With `take` the ids of inputs that it takes are gone with the call. */
  runProgram?(id: number, inputs: readonly number[], take: boolean): number[];
  deleteProgram?(id: number): void;
  /**
   * Rows of `values`, bytes by a table of 256 floats, each moved down and to the right by its pair of `shifts`; `picture` is height,
   * width, channels, and what moves in (addon/examples.cc).
   */
  gatherExamples?(
    values: Uint8Array | Float32Array,
    table: Float32Array,
    chosen: Uint32Array,
    shape: readonly number[],
    shifts: Int32Array | undefined,
    picture: readonly number[] | undefined,
  ): number;
  /** From now on ops compute with so many threads; no program may be there (addon/threads.cc). */
  setThreads?(count: number): void;
}

/** Calls of ops on numbered slots: first those of the inputs, then each call's outputs. */
export interface ProgramSpec {
  readonly slots: number;
  readonly calls: readonly {
    readonly op: string;
    readonly attributes: readonly OpAttribute[];
    readonly inputs: readonly number[];
    /** Slots of which this is the last call. */
    readonly freed: readonly number[];
    /** The first slot of its outputs, and how many there are. */
    readonly outputs: readonly [number, number];
  }[];
  /** Slots whose values are handed back. */
  readonly results: readonly number[];
  /** For each input 1 where the program takes it from the caller, so that its memory may be used anew; else 0. */
  readonly taken: readonly (0 | 1)[];
}

/** Where tfjs-node keeps a tensor: the handle's id, and how many TF.js tensors share it. */
export interface Stored {
  readonly shape: readonly number[];
  readonly dtype: string;
  id: number;
  values: unknown;
  readonly refCount: number;
}

/** tfjs-node's backend, with the members that its types call private. TF.js 4.22 is its last release. */
export interface NativeBackend extends tf.KernelBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: {
    get(dataId: tf.DataId): Stored;
    set(dataId: tf.DataId, stored: Stored): void;
    has(dataId: tf.DataId): boolean;
  };
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
  float(name: string, value: number): OpAttribute;
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
    float: (name, value) => ({ name, type: binding.TF_ATTR_FLOAT, value }),
    bool: (name, value) => ({ name, type: binding.TF_ATTR_BOOL, value }),
    string: (name, value) => ({ name, type: binding.TF_ATTR_STRING, value }),
    shape: (name, value) => ({ name, type: binding.TF_ATTR_SHAPE, value }),
  };
}
