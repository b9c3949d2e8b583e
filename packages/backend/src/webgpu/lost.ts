import { BackendError } from '../error.js';
import type { WebgpuBackend } from './backend.js';

/**
 * Makes a backend whose device is lost (the driver was reset or updated, the card taken away, out of memory) throw at the
 * next program or read, and one whose device refused a program as well. WebGPU itself computes nothing from then on, and
 * TF.js does not ask.
 */
export function guardAgainstLoss(backend: WebgpuBackend): WebgpuBackend {
  let failed: BackendError | undefined;
  void backend.device.lost.then(({ reason, message }) => {
    const why = message || reason;
    failed = new BackendError(
      'device-lost',
      `the GPU was lost${why ? ` (${why.split('\n')[0]})` : ''}: what it held is gone`,
      'Run again with --resume (in code: start the backend again, load the last checkpoint).',
    );
  });
  // WebGPU says afterwards, and to nobody in particular, that it refused a program: the numbers would be wrong.
  backend.device.addEventListener('uncapturederror', ({ error }) => {
    failed ??= new BackendError(
      'kernel',
      `the GPU refused a program: ${error.message.split('\n')[0]}`,
      'Train with another backend, e.g. --backend auto, and report it with the model and the adapter.',
    );
  });
  const { ensureCommandEncoderReady, getBufferData } = backend;
  // Every program, TF.js's or ours, and every copy passes here.
  backend.ensureCommandEncoderReady = function () {
    if (failed) throw failed;
    ensureCommandEncoderReady.call(this);
  };
  backend.getBufferData = async function (buffer) {
    if (failed) throw failed;
    try {
      const data = await getBufferData.call(this, buffer);
      if (failed) throw failed;
      return data;
    } catch (error) {
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      throw failed ?? error;
    }
  };
  return backend;
}
