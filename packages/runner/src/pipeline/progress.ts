import { join } from 'node:path';
import { type Checkpoint, keptCheckpoint, writeCheckpoint } from './checkpoint.js';
import { layout, writeWhole } from './files.js';
import type { MetricLine, StageRecord } from './records.js';

/** Every epoch is checkpointed; but not more often than this, in milliseconds, when epochs are short. */
const checkpointEvery = 2000;
/** Nor so often that training waits for more than this share of its time until checkpoints are taken. */
const worthOfTime = 0.01;
/** So many models are packed at once, at most: each is a copy. */
const packedAtOnce = 2;

/**
 * What is remembered of a run's stages and epochs. It is written beside training, one checkpoint at a time, and of those that are taken
 * meanwhile the last: the next epoch does not wait for the disk, nor the next stage for the model to be packed, without which a
 * stage is not done.
 */
export class Progress {
  readonly metrics: MetricLine[] = [];
  readonly #out: string;
  readonly #stages: (StageRecord | Promise<StageRecord>)[] = [];
  #nextAt: number = performance.now() + checkpointEvery;
  #next: { kept: Checkpoint; stages: Promise<StageRecord[]> } | undefined;
  #writing: Promise<void> | undefined;
  #failed: { error: unknown } | undefined;

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
    this.#tell();
    return this.#writing === undefined && performance.now() >= this.#nextAt;
  }

  /** Takes a checkpoint of what is gathered, as `write`; the longer that takes, the later the next is due. */
  async take(gather: () => Promise<Omit<Checkpoint, 'stages' | 'metrics'>>): Promise<void> {
    const began = performance.now();
    await this.write(await gather(), began);
  }

  /**
   * Takes a checkpoint and begins to write it, after the one that is being written. Where a stage has ended and is packed, that
   * is when the promise is fulfilled.
   *
   * @throws EspalierError, EspError what the last one, or packing, has failed with
   */
  async write(
    state: Omit<Checkpoint, 'stages' | 'metrics'>,
    began: number = performance.now(),
  ): Promise<void> {
    this.#tell();
    const kept = keptCheckpoint({ ...state, stages: [], metrics: this.metrics });
    const stages = this.stages();
    stages.catch(() => {}); // It is told when it is written.
    this.#next = { kept, stages };
    this.#writing ??= this.#writeAll();
    const now = performance.now();
    this.#nextAt = now + Math.max(checkpointEvery, (now - began) / worthOfTime);
    if (state.trainer === undefined && !(this.#stages.at(-1) instanceof Promise)) await this.written();
    else await Promise.all(this.#stages.slice(0, -packedAtOnce));
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#next !== undefined) {
        const { kept, stages } = this.#next;
        this.#next = undefined;
        await writeCheckpoint(this.#out, { ...kept, stages: await stages });
        const lines = kept.metrics.map((line) => `${JSON.stringify(line)}\n`);
        await writeWhole(join(this.#out, layout.metrics), lines.join(''));
      }
    } catch (error) {
      this.#failed = { error };
    } finally {
      this.#writing = undefined;
    }
  }

  #tell(): void {
    if (this.#failed) throw this.#failed.error;
  }

  /** Waits until everything is written. @throws EspalierError `disk`, EspError what packing has failed with */
  async written(): Promise<void> {
    await this.#writing;
    this.#tell();
  }
}
