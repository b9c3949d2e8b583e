import { prepareSoftwareGpu } from '../../../scripts/lib/software-gpu.mjs';

/** Whether tests can compute on WebGPU here. Must be asked before WebGPU starts. */
export const hasWebgpu: boolean = prepareSoftwareGpu();
if (!hasWebgpu) {
  console.warn('WebGPU is not tested: that needs chromium and libvulkan1 (Debian), or VK_DRIVER_FILES');
}
