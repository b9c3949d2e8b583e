import { BackendError } from '../error.js';
import type { WebgpuBackend } from './backend.js';

/**
 * Makes a read that does not wait say what to do instead: TF.js reads by way of a canvas, which Node does not have, and
 * fails for the lack of that.
 */
export function refuseSyncReads(backend: WebgpuBackend): WebgpuBackend {
  const { readSync } = backend;
  backend.readSync = function (this: WebgpuBackend, dataId: object) {
    const { values } = this.tensorMap.get(dataId);
    if (!values && !('OffscreenCanvas' in globalThis)) {
      throw new BackendError(
        'sync-read',
        'a tensor on the GPU cannot be read without waiting (dataSync, arraySync) in Node',
        'Use await tensor.data(), or another backend: --backend auto.',
      );
    }
    return readSync.call(this, dataId);
  };
  return backend;
}
