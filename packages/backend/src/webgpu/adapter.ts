import { BackendError } from '../error.js';
import type { Gpu, GpuAdapter, GpuDevice } from './gpu.js';

/** What is known about the device WebGPU computes on. */
export interface WebgpuAdapter {
  /** The maker, in lower case as WebGPU gives it: nvidia, amd, intel, apple, google. */
  readonly vendor: string;
  /** Family of the device, e.g. `ampere`; may be empty. */
  readonly architecture: string;
  /** The card's name where the driver tells it. */
  readonly device: string;
  /** The driver and its version, where they are told. */
  readonly driver: string;
  /** Whether it is a program that computes on the CPU (SwiftShader, lavapipe): right, and slow. */
  readonly software: boolean;
  /** The largest tensor, in bytes. */
  readonly maxTensorBytes: number;
  /** Threads that can work together on one block. */
  readonly maxThreadsPerBlock: number;
  /** Buffers that one program can read and write. */
  readonly maxBuffersPerProgram: number;
}

/**
 * Asks for the fastest adapter.
 *
 * @throws BackendError `no-adapter`: none, none but a software one where that will not do, or none of the name that
 *   was asked for (the message lists those that are there)
 */
export async function findAdapter(gpu: Gpu, software: boolean): Promise<GpuAdapter> {
  let others = '';
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter && (software || !describeAdapter(adapter).software)) return adapter;
    if (adapter) others = ` but a software one, ${adapterLine(describeAdapter(adapter))}`;
  } catch (error) {
    // Dawn in Node: no adapter has the name that was asked for. It lists those there are, one a line.
    const names = [...String((error as Error).message).matchAll(/name: '(.*)'/g)].map(([, name]) => name);
    others = names.length > 0 ? ` of that name; there are: ${names.join(', ')}` : '';
  }
  throw new BackendError('no-adapter', `WebGPU finds no adapter${others}`, noAdapterRemedy());
}

export function noAdapterRemedy(): string {
  if (typeof process === 'undefined' || process.platform !== 'linux') {
    return "Update the graphics driver, or look at the browser's chrome://gpu; else train with --backend auto.";
  }
  return (
    "Install the graphics driver and the Vulkan loader (Debian's libvulkan1), and name the driver's ICD file in " +
    'VK_DRIVER_FILES if it lies elsewhere; else train with --backend auto.'
  );
}

/** The adapter in words and numbers. */
export function describeAdapter(adapter: Pick<GpuAdapter, 'info' | 'limits'>): WebgpuAdapter {
  const { info, limits } = adapter;
  const words = [info.vendor, info.architecture, info.device, info.description].join(' ');
  const software = info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|warp/i.test(words);
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    driver: info.description,
    software,
    maxTensorBytes: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
    maxThreadsPerBlock: limits.maxComputeInvocationsPerWorkgroup,
    maxBuffersPerProgram: limits.maxStorageBuffersPerShaderStage,
  };
}

/** One line on an adapter. */
export function adapterLine({ vendor, architecture, device, driver, software }: WebgpuAdapter): string {
  const name = [vendor, architecture, device].filter(Boolean).join(' ');
  return [name, driver].filter(Boolean).join(', ') + (software ? ' (software, computes on the CPU)' : '');
}

/** Limits that are asked for as high as the adapter goes: the defaults are those of a small phone. */
const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
];

/** A device with all that the adapter has to give to TF.js and to us. */
export function openDevice(adapter: GpuAdapter): Promise<GpuDevice> {
  return adapter.requestDevice({
    requiredFeatures: ['timestamp-query', 'bgra8unorm-storage'].filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
}
