// The thread in which a model is packed while training goes on. Plain JavaScript, for a worker is started from a file as it lies
// here. It gets the model and the options as its data, and answers with the file's length.
import { parentPort, workerData } from 'node:worker_threads';
import { encode } from '@espalier/codec';

const { artifacts, options } = workerData;
parentPort?.postMessage(encode(artifacts, options).length);
