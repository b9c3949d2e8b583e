import { type EpochMetrics, EspalierError } from '@espalier/core';
import type { Failed } from './perform.js';
import type { OutcomeOf, Task } from './task.js';

/** To a process that runs trials. */
export interface Order {
  readonly task: Task;
  readonly out: string;
  /** The folder that relative paths go from. Default: where the process is. */
  readonly folder?: string;
}

/** What such a process is, said once when it is up: it waits for orders. */
export interface Ready {
  readonly ready: true;
  readonly backend: string;
}

/** An error as it goes from process to process. */
export interface Fault {
  readonly code?: string;
  readonly message: string;
}

/** From a process that runs trials. */
export type Word =
  | Ready
  | { readonly info: string }
  | { readonly epoch: EpochMetrics & { readonly stage: string } }
  | { readonly outcome: OutcomeOf<Task> | Failed }
  | { readonly fault: Fault };

export function faultOf(error: unknown): Fault {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { ...(typeof code === 'string' && { code }), message: String(message ?? error) };
}

/** The error that a fault was. */
export function errorOf({ code = 'failed', message }: Fault): EspalierError {
  return new EspalierError(code, message);
}
