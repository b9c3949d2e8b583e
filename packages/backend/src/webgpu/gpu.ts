/**
 * The part of WebGPU that we use, as types: TypeScript's own library does not have them, and the community's
 * declarations would become part of ours. Names and meanings are those of the specification.
 */

export interface GpuAdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

export interface GpuAdapter {
  readonly info: GpuAdapterInfo;
  readonly features: { has(name: string): boolean };
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(descriptor: {
    requiredFeatures: readonly string[];
    requiredLimits: Readonly<Record<string, number>>;
  }): Promise<GpuDevice>;
}

export interface Gpu {
  requestAdapter(options: { powerPreference: 'high-performance' }): Promise<GpuAdapter | null>;
}

export interface GpuBuffer {
  readonly size: number;
  readonly usage: number;
  destroy(): void;
}

export interface GpuPipeline {
  getBindGroupLayout(index: number): object;
}

export interface GpuPass {
  setPipeline(pipeline: GpuPipeline): void;
  setBindGroup(index: number, group: object): void;
  dispatchWorkgroups(x: number, y?: number, z?: number): void;
  end(): void;
}

export interface GpuEncoder {
  beginComputePass(descriptor?: object): GpuPass;
  copyBufferToBuffer(
    from: GpuBuffer,
    fromOffset: number,
    to: GpuBuffer,
    toOffset: number,
    size: number,
  ): void;
  finish(): object;
}

export interface GpuDevice {
  readonly limits: Readonly<Record<string, number>>;
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  readonly queue: {
    submit(commands: readonly object[]): void;
    writeBuffer(buffer: GpuBuffer, offset: number, data: ArrayBufferLike | ArrayBufferView): void;
    onSubmittedWorkDone(): Promise<void>;
  };
  addEventListener(type: 'uncapturederror', listener: (event: { readonly error: Error }) => void): void;
  createBuffer(descriptor: { size: number; usage: number; mappedAtCreation?: boolean }): GpuBuffer;
  createShaderModule(descriptor: { code: string; label?: string }): object;
  createComputePipeline(descriptor: {
    compute: { module: object; entryPoint: string };
    layout: 'auto';
    label?: string;
  }): GpuPipeline;
  createBindGroup(descriptor: {
    layout: object;
    entries: readonly {
      readonly binding: number;
      readonly resource: { readonly buffer: GpuBuffer; readonly offset?: number; readonly size?: number };
    }[];
  }): object;
  createCommandEncoder(): GpuEncoder;
  destroy(): void;
}

/** `navigator.gpu`, where there is one. */
export function navigatorGpu(): Gpu | undefined {
  return (globalThis as { navigator?: { gpu?: Gpu } }).navigator?.gpu;
}
