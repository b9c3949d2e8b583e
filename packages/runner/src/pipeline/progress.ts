import { join } from 'node:path';
import { type Checkpoint, keptCheckpoint, writeCheckpoint } from './checkpoint.js';
import { layout, writeWhole } from './files.js';
import type { MetricLine, StageRecord } from './records.js';

/** Every epoch is checkpointed; but not more often than this, in milliseconds, when epochs are short. */
const checkpointEvery = 2000;

/**
 * What is remembered of a run's stages and epochs. It is written beside training, one checkpoint at a time: the next epoch does
 * not wait for the disk, nor the next stage for the model to be packed, without which a stage is not done.
 */
export class Progress {
  readonly metrics: MetricLine[] = [];
  readonly #out: string;
  readonly #stages: (StageRecord | Promise<StageRecord>)[] = [];
  #saved: number = performance.now();
  #busy = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(out: string) {
    this.#out = out;
  }

  /** Goes on after what was remembered. */
  goOn({ stages, metrics }: Pick<Checkpoint, 'stages' | 'metrics'>): void {
    this.#stages.push(...stages);
    this.metrics.push(...metrics);
  }

  /** A stage is done, but for its bytes. */
  add(record: Omit<StageRecord, 'bytes'>, packed: number | Promise<number>): void {
    if (!(packed instanceof Promise)) {
      this.#stages.push({ ...record, bytes: packed });
      return;
    }
    const whole = packed.then((bytes) => ({ ...record, bytes }));
    whole.catch(() => {}); // Whoever waits for it is told.
    this.#stages.push(whole);
  }

  stages(): Promise<StageRecord[]> {
    return Promise.all(this.#stages);
  }

  /**
   * Is it time for a checkpoint? Not while one is being written.
   *
   * @throws EspalierError, EspError what the last one, or packing, has failed with
   */
  async due(): Promise<boolean> {
    if (this.#busy) return false;
    await this.#writing;
    return performance.now() - this.#saved >= checkpointEvery;
  }

  /**
   * Takes a checkpoint and begins to write it, after the one before. Where a stage has ended and is packed, it is written when
   * the promise is fulfilled.
   *
   * @throws EspalierError, EspError what the last one, or packing, has failed with
   */
  async write(state: Omit<Checkpoint, 'stages' | 'metrics'>): Promise<void> {
    const kept = keptCheckpoint({ ...state, stages: [], metrics: this.metrics });
    await this.#writing;
    this.#saved = performance.now();
    this.#busy = true;
    this.#writing = this.stages()
      .then(async (stages) => {
        await writeCheckpoint(this.#out, { ...kept, stages });
        const lines = kept.metrics.map((line) => `${JSON.stringify(line)}\n`);
        await writeWhole(join(this.#out, layout.metrics), lines.join(''));
      })
      .finally(() => {
        this.#busy = false;
      });
    this.#writing.catch(() => {}); // Whoever waits for it is told.
    if (state.trainer === undefined && !(this.#stages.at(-1) instanceof Promise)) await this.#writing;
  }

  /** Waits until everything is written. @throws EspalierError `disk`, EspError what packing has failed with */
  async written(): Promise<void> {
    await this.#writing;
  }
}
