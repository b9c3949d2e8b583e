import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@espalier/core';
import { type Report, type WatchLine, watchTensor } from '@espalier/report';
import type { EventWriter } from '@espalier/studio';
import * as tf from '@tensorflow/tfjs-core';
import { optionalPackage } from '../resolve-optional.js';
import type { Checkpoint } from './checkpoint.js';
import { layout } from './files.js';
import type { Listener } from './listener.js';
import { artifactsOf } from './model-files.js';
import type { MetricLine } from './records.js';
import { tensorsOf } from './tensors.js';

/** Looking at a weight takes less, in milliseconds. */
const perWeight = 1e-4;
/** Of all the time, the part that looking takes at most. */
const share = 0.01;
/** Milliseconds between two notes of how far an epoch is. */
const every = 1000;

/** For whom a run is watched. */
export interface Watching {
  /** `watch.jsonl` and `live.json`, for `espalier studio`. */
  readonly watch?: boolean;
  /** Event files of TensorBoard. */
  readonly tensorboard?: boolean;
}

/** Watches a run, where it is to be watched. */
export function watchOf(out: string, { watch = false, tensorboard = false }: Watching): Watch | undefined {
  return watch || tensorboard ? new Watch(out, { watch, tensorboard }) : undefined;
}

/**
 * Writes what `espalier studio` shows of a run beside what a run writes anyway: a line of `watch.jsonl` for an epoch, with its
 * tensors' histograms and codebooks, and in `live.json` how far it is; and the same for TensorBoard. Looking takes a hundredth of
 * the time at most: an epoch that comes too soon is not looked at.
 */
export class Watch {
  readonly #out: string;
  readonly #for: Watching;
  #events: EventWriter | undefined;
  /** Epochs, and stages that were applied once. */
  #step = 0;
  #next: number | undefined;
  #told = 0;

  constructor(out: string, watching: Watching) {
    this.#out = out;
    this.#for = watching;
  }

  /**
   * Before the first epoch, or the first after a checkpoint.
   *
   * @throws EspalierError `missing-package` where TensorBoard's files are wanted and the studio is not installed
   */
  async begin(found?: Pick<Checkpoint, 'metrics' | 'stages'>): Promise<void> {
    if (found) this.#step = found.metrics.length + found.stages.filter(({ kind }) => kind !== 'train').length;
    if (!this.#for.tensorboard) return;
    const { openEvents } = await optionalPackage('@espalier/studio', () => import('@espalier/studio'));
    this.#events = await openEvents(this.#out, found ? { from: this.#step + 1 } : {});
  }

  /** A listener that also keeps `live.json`. */
  listening(listener: Listener): Listener {
    if (!this.#for.watch) return listener;
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

  /** An epoch is done. */
  async epoch(run: Run, line: MetricLine): Promise<void> {
    this.#step++;
    await this.#events?.epoch(this.#step, line);
    await this.#look(run, line.stage, line.epoch);
  }

  /** A stage was applied once. */
  async once(run: Run, stage: string): Promise<void> {
    this.#step++;
    await this.#look(run, stage, 0);
  }

  /** A stage is done; the model, packed, has so many bytes. Events are waited for, that they come in their order. */
  async stage(bytes: number | Promise<number>): Promise<void> {
    if (this.#events) await this.#events.scalars(this.#step, { 'file/bytes': await bytes });
  }

  /** The run is done. */
  async end({ compressed: { bytes, accuracy }, ratio }: Report): Promise<void> {
    this.#step++;
    await this.#events?.scalars(this.#step, {
      'file/bytes': bytes,
      'file/times smaller': ratio,
      ...(accuracy != null && { 'file/accuracy': accuracy }),
    });
  }

  /** Looks at the model, if there is time for it. */
  async #look(run: Run, stage: string, epoch: number): Promise<void> {
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
    if (this.#for.watch) await appendFile(join(this.#out, layout.watch), `${JSON.stringify(line)}\n`);
    await this.#events?.tensors(this.#step, line);
    const now = performance.now();
    this.#next = now + (now - began) / share;
  }
}
