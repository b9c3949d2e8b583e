import { BackendError } from '../error.js';
import type { WebgpuBackend } from './backend.js';

/**
 * Makes a backend whose device is lost (the driver was reset or updated, the card taken away, out of memory) throw at the
 * next program or read. WebGPU itself computes nothing from then on, and TF.js does not ask.
 */
export function guardAgainstLoss(backend: WebgpuBackend): WebgpuBackend {
  let lost: BackendError | undefined;
  void backend.device.lost.then(({ reason, message }) => {
    const why = message || reason;
    lost = new BackendError(
      'device-lost',
      `the GPU was lost${why ? ` (${why.split('\n')[0]})` : ''}: what it held is gone`,
      'Run again with --resume (in code: start the backend again, load the last checkpoint).',
    );
  });
  const { recordAndSubmit, getBufferData } = backend;
  backend.recordAndSubmit = function (...args) {
    if (lost) throw lost;
    recordAndSubmit.apply(this, args);
  };
  backend.getBufferData = async function (buffer) {
    if (lost) throw lost;
    try {
      return await getBufferData.call(this, buffer);
    } catch (error) {
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      throw lost ?? error;
    }
  };
  return backend;
}
