import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@espalier/core';
import { type WatchLine, watchTensor } from '@espalier/report';
import * as tf from '@tensorflow/tfjs-core';
import { layout } from './files.js';
import type { Listener } from './listener.js';
import { artifactsOf } from './model-files.js';
import { tensorsOf } from './tensors.js';

/** Looking at a weight takes less, in milliseconds. */
const perWeight = 1e-4;
/** Of all the time, the part that looking takes at most. */
const share = 0.01;
/** Milliseconds between two notes of how far an epoch is. */
const every = 1000;

/**
 * Writes what `espalier studio` shows of a run beside what a run writes anyway: a line of `watch.jsonl` for an epoch, with its
 * tensors' histograms and codebooks, and in `live.json` how far it is. Looking takes a hundredth of the time at most: an
 * epoch that comes too soon has no line.
 */
export class Watch {
  readonly #out: string;
  #next: number | undefined;
  #told = 0;

  constructor(out: string) {
    this.#out = out;
  }

  /** A listener that also keeps `live.json`. */
  listening(listener: Listener): Listener {
    let stage = '';
    const tell = (live: object): void => {
      const now = performance.now();
      if (now - this.#told < every) return;
      this.#told = now;
      // What is lost with it is a second's news.
      writeFile(join(this.#out, layout.live), JSON.stringify({ stage, time: Date.now(), ...live })).catch(
        () => {},
      );
    };
    return {
      info: (line) => listener.info(line),
      warn: (line) => listener.warn(line),
      stage(name, index, count, what) {
        stage = name;
        listener.stage(name, index, count, what);
      },
      step(at) {
        tell(at);
        listener.step(at);
      },
      epoch: (metrics, epochs, goal) => listener.epoch(metrics, epochs, goal),
    };
  }

  /** Looks at the model after an epoch, if there is time for it. */
  async look(run: Run, stage: string, epoch: number): Promise<void> {
    const began = performance.now();
    const weights = run.parameters.reduce((sum, { size }) => sum + size, 0);
    this.#next ??= began + (perWeight * weights) / share;
    if (began < this.#next) return;
    const tensors = tensorsOf(await artifactsOf(run.model));
    const line: WatchLine = {
      stage,
      epoch,
      time: Date.now(),
      memory: { process: process.memoryUsage.rss(), tensors: tf.memory().numBytes },
      tensors: tensors.map(({ name, shape, values }) => watchTensor(name, shape, values)),
    };
    await appendFile(join(this.#out, layout.watch), `${JSON.stringify(line)}\n`);
    const now = performance.now();
    this.#next = now + (now - began) / share;
  }
}
