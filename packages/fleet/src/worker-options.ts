import type { Needs } from './bundle.js';
import type { News } from './lease.js';

/** A trial that a worker is to run. */
export interface Work {
  readonly task: unknown;
  /** What people call it. */
  readonly name: string;
  /** The folder to run it in: files of the bundle are there. */
  readonly folder: string;
  /** Takes what it leaves; it holds what was checkpointed, if it ran before. */
  readonly out: string;
  /** Aborted when the trial is this worker's no more. */
  readonly signal: AbortSignal;
  info(line: string): void;
  epoch(metrics: News['epochs'][number]): void;
}

/** What a worker is, and how it runs trials. */
export interface WorkerOptions {
  /** Shown to people; two may have the same. Default: the machine's. */
  readonly name?: string;
  /** Trials at once. Default 1. */
  readonly slots?: number;
  readonly tags?: readonly string[];
  readonly backend: string;
  /** Why a bundle cannot be run exactly here, if it cannot. */
  objection(needs: Needs): Promise<string | undefined>;
  /**
   * Runs a trial.
   *
   * @returns what it came to
   * @throws what keeps it from that; errors for which `passing` is true are tried again elsewhere, as are those of the machine: a full disk (`ENOSPC`)
   */
  run(work: Work): Promise<unknown>;
  passing(error: unknown): boolean;
  /** Files of `out`, by their paths, that go into the store when a trial is done. */
  readonly results: readonly string[];
  /** Files and folders of `out` that it needs to go on; the first decides where it stands. */
  readonly checkpoint: readonly string[];
  /** Seconds after which a trial's checkpoint is kept in the store, and between two of them. Default 60. */
  readonly keepEvery?: number;
  /** Seconds without a word after which its trials go to others. Default 30. */
  readonly lease?: number;
  /** Seconds that a trial may take: then it is aborted, and tried again from its checkpoint, as often as one that is lost. Default: no end. */
  readonly expiry?: number;
  /** A folder of packages that files of bundles import from. */
  readonly modules?: string;
  /**
   * Ends when there was nothing to do for so many seconds: none of its trials runs, and no trial that it can run is queued,
   * not even one that waits for its next attempt. Default: never.
   */
  readonly idle?: number;
  readonly log?: (line: string) => void;
  /** The first time: ends when what is on its way is done. */
  readonly drain?: AbortSignal;
  /** Gives back what is on its way, and ends. */
  readonly stop?: AbortSignal;
}
