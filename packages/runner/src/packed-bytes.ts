import { Worker } from 'node:worker_threads';
import { type EncodeOptions, encode, type ModelArtifacts } from '@espalier/codec';

/** Packing smaller models, by the bytes of their weights, takes no longer than to start a thread. */
const worthAThread = 2 ** 18;

const weightBytes = ({ weightData = [] }: ModelArtifacts): number =>
  [weightData].flat().reduce((sum, { byteLength }) => sum + byteLength, 0);

function inThread(artifacts: ModelArtifacts, options: EncodeOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./packing-worker.js', import.meta.url), {
      workerData: { artifacts, options },
    });
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`The thread that packs has ended with ${code}.`)));
  });
}

/**
 * How many bytes a model takes when it is packed. Of a large one that is a promise: it is packed in a thread, while the caller
 * goes on; where that fails, it is packed here, which tells what is wrong with the model, if anything is.
 *
 * @throws EspError as `encode`
 */
export function packedBytes(artifacts: ModelArtifacts, options: EncodeOptions): number | Promise<number> {
  const here = (): number => encode(artifacts, options).length;
  return weightBytes(artifacts) < worthAThread ? here() : inThread(artifacts, options).catch(here);
}
