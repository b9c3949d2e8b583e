import type { NativeOptimizers } from './native/optimizers.js';
import type { NativeRecorder } from './native/replay/recording.js';
import type { WebgpuAdapter } from './webgpu/adapter.js';
import type { GpuOptimizers } from './webgpu/kernels/optimizers.js';

/** The kinds of backend. `gpu` is TensorFlow on CUDA. */
export type BackendName = 'gpu' | 'webgpu' | 'native' | 'wasm' | 'cpu';

/** A backend that runs. */
export interface Backend {
  readonly name: BackendName;
  /** What `tf.getBackend()` says: tensorflow, webgpu, wasm or cpu. */
  readonly tfjsName: string;
  /** Why this one: what faster ones lacked. One line. */
  readonly why: string;
  readonly versions: {
    readonly node: string;
    readonly tfjs: string;
    /** npm package of the backend, e.g. `@tensorflow/tfjs-node 4.22.0`. */
    readonly package: string;
    /** libtensorflow, where there is one. */
    readonly tensorflow?: string;
  };
  /** Threads it computes with. */
  readonly threads: number;
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
  /** The device, on WebGPU. */
  readonly adapter?: WebgpuAdapter;
  /** TensorFlow's fused update rules; undefined where there are none and plain TF.js ops must do. */
  readonly optimizers: NativeOptimizers | GpuOptimizers | undefined;
  /** Replays steps of training, on an addon that `setup` has compiled; fits `StepRecorder` of `@espalier/core`. */
  readonly recorder?: NativeRecorder;
}

/** Those of a GPU first, then fastest first. */
export const BACKEND_NAMES: readonly BackendName[] = ['gpu', 'webgpu', 'native', 'wasm', 'cpu'];

/** A backend that has started and is the current one; why it was chosen is for others to say. */
export type Started = Omit<Backend, 'why'>;
