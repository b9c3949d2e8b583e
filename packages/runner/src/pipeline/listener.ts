import type { EpochMetrics } from '@espalier/core';

/** A metric that models are compared by, and how it is shown. */
export interface ShownGoal {
  readonly metric: string;
  readonly unit?: 'share' | 'dB' | 'bits';
}

/** Who watches a run: the terminal, a test, a page. */
export interface Listener {
  /** A line worth reading once. */
  info(line: string): void;
  stage(name: string, index: number, count: number, what: string): void;
  step(at: {
    readonly epoch: number;
    readonly epochs: number;
    readonly step: number;
    readonly steps: number;
    readonly loss: number;
  }): void;
  /** @param goal - Where models are compared by something else than accuracy. */
  epoch(metrics: EpochMetrics, epochs: number, goal?: ShownGoal): void;
  warn(line: string): void;
}

/** A listener that does not listen. */
export const silent: Listener = { info() {}, stage() {}, step() {}, epoch() {}, warn() {} };
