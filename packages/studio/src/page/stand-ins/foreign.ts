import { EspalierError } from '@espalier/core';
import { startWorker } from '../start-worker.js';

interface Answer<Result> {
  readonly result?: Result;
  readonly error?: string;
  readonly code?: string;
}

/**
 * The same as in Node, by the clock: the HDF5 library in a worker of its own, which is ended when it takes too long. What it may
 * take of memory the browser decides.
 */
export async function foreign<Result>(
  task: string,
  bytes: Uint8Array<ArrayBuffer>,
  { seconds = 30 + bytes.length / 1e6 }: { readonly seconds?: number } = {},
): Promise<Result> {
  const worker = startWorker('hdf5');
  try {
    return await new Promise<Result>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new EspalierError('too-much', `reading it took more than ${Math.ceil(seconds)} s`));
      }, 1000 * seconds);
      worker.onerror = ({ message }) => reject(new EspalierError('broken', message));
      worker.onmessage = ({ data: { result, error, code = 'damaged' } }: MessageEvent<Answer<Result>>) => {
        clearTimeout(late);
        if (error === undefined) resolve(result as Result);
        else reject(new EspalierError(code, error));
      };
      worker.postMessage({ task, bytes }, [bytes.buffer]);
    });
  } finally {
    worker.terminate();
  }
}
