// The thread in which pictures are brought to their size and changed at random. Plain JavaScript, and so is all that it runs, for a
// worker is started from a file as it lies here. It gets { id, task, given } and answers { id, result } or { id, error }.
import { parentPort } from 'node:worker_threads';
import { alter } from './factories/images/alter.js';
import { put } from './factories/images/place.js';
import { resize } from './factories/images/resize.js';

const tasks = {
  resize: ({ picture, size, channels, fit, place, at }) => {
    put(place, at, resize(picture, size, channels, fit));
    return undefined;
  },
  alter,
};

parentPort?.on('message', ({ id, task, given }) => {
  try {
    const result = tasks[task](given);
    parentPort?.postMessage({ id, result }, result === undefined ? [] : [result.buffer]);
  } catch (error) {
    parentPort?.postMessage({ id, error: String(error?.message ?? error) });
  }
});
