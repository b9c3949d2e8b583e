import type { EpochMetrics } from '@espalier/core';

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
  epoch(metrics: EpochMetrics, epochs: number): void;
  warn(line: string): void;
}

/** A listener that does not listen. */
export const silent: Listener = { info() {}, stage() {}, step() {}, epoch() {}, warn() {} };
