import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type WatchLine, watchTensor } from '@espalier/report';
import type { RecordedEpoch } from './recorded-epoch.js';
import { openEvents } from './tensorboard/events.js';

/** How far an epoch is. */
export interface RecordedStep {
  /** 0-based. */
  readonly epoch: number;
  readonly epochs?: number;
  readonly step: number;
  readonly steps?: number;
  readonly loss?: number;
}

/** Writes what the studio shows of a training loop of one's own. */
export interface Recorder {
  /** Notes how far an epoch is, once a second at most. Returns at once. */
  step(at: RecordedStep): void;
  /** Writes an epoch; with the weights also their histograms and codebooks. */
  epoch(
    metrics: RecordedEpoch,
    weights?: readonly {
      readonly name: string;
      readonly shape: readonly number[];
      readonly values: ArrayLike<number>;
    }[],
  ): Promise<void>;
  /** The run is over. */
  end(): Promise<void>;
}

/** How a run is recorded. */
export interface RecordOptions {
  /** Also writes an event file of TensorBoard into the folder, a step for each epoch. Default false. */
  readonly tensorboard?: boolean;
}

/** Milliseconds between two notes of how far an epoch is. */
const every = 1000;

/**
 * Records a run in a folder for `espalier studio`, as `espalier run` does: `metrics.jsonl`, `watch.jsonl`, `live.json`. What lies
 * there of a run before goes on.
 *
 * @throws what the file system throws
 *
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { recordRun, runsIn } from '@espalier/studio';
 * const runs = await mkdtemp(join(tmpdir(), 'runs-'));
 * const listener = await recordRun(join(runs, 'mine'));
 * listener.step({ epoch: 0, step: 10, steps: 100, loss: 0.9 });
 * await listener.epoch({ epoch: 0, loss: 0.5 }, [{ name: 'kernel', shape: [2], values: Float32Array.of(0, 1) }]);
 * if ((await runsIn(runs))[0].state !== 'running') throw new Error('not seen');
 * await listener.end();
 * ```
 */
export async function recordRun(folder: string, options: RecordOptions = {}): Promise<Recorder> {
  await mkdir(folder, { recursive: true });
  const lines = join(folder, 'metrics.jsonl');
  let done = (await readFile(lines, 'utf8').catch(() => '')).split('\n').length - 1;
  const events = options.tensorboard
    ? await openEvents(folder, done > 0 ? { from: done + 1 } : {})
    : undefined;
  const lock = join(folder, 'lock');
  await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
  let told = 0;
  return {
    step(at) {
      const now = Date.now();
      if (now - told < every) return;
      told = now;
      // What is lost with it is a second's news.
      writeFile(join(folder, 'live.json'), JSON.stringify({ stage: 'train', time: now, ...at })).catch(
        () => {},
      );
    },
    async epoch({ stage = 'train', ...metrics }, weights = []) {
      await appendFile(lines, `${JSON.stringify({ stage, ...metrics })}\n`);
      await events?.epoch(++done, metrics);
      if (weights.length === 0) return;
      const line: WatchLine = {
        stage,
        epoch: metrics.epoch,
        time: Date.now(),
        tensors: weights.map(({ name, shape, values }) => watchTensor(name, shape, values)),
      };
      await appendFile(join(folder, 'watch.jsonl'), `${JSON.stringify(line)}\n`);
      await events?.tensors(done, line);
    },
    async end() {
      await rm(lock, { force: true });
    },
  };
}
