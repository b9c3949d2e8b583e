import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Fleet, Work, WorkerOptions } from '@espalier/fleet';
import { layout } from '../pipeline/files.js';
import { Hand } from '../trials/processes.js';
import type { Task } from '../trials/task.js';
import { objectionTo } from './needs.js';

/** What of a trial's folder is kept when it is done, and what it needs to go on. */
const results = [layout.model, layout.report, layout.page, layout.recipe, layout.metrics];
const checkpoint = [layout.checkpoint, layout.recipe, layout.metrics, layout.plain];

/** Errors of this machine, or of the way to others: another may fare better. */
const passing = new Set(['disk', 'worker-lost', 'failed', 'download', 'out-taken']);

/** How a worker runs trials, each in a process of its own. */
export interface WorkOptions
  extends Pick<
    WorkerOptions,
    'name' | 'slots' | 'tags' | 'idle' | 'log' | 'drain' | 'stop' | 'keepEvery' | 'lease' | 'expiry'
  > {
  readonly backend: string;
  readonly threads?: number;
}

/** The packages that are installed where the worker runs: the nearest folder of them. */
function modules(): string | undefined {
  for (let at = process.cwd(); ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules'))) return join(at, 'node_modules');
    if (at === dirname(at)) return undefined;
  }
}

/** Works for a fleet. @throws EspalierError as `workFor`; and what keeps the backend from starting */
export async function workInProcesses(
  fleet: Fleet,
  workFor: (fleet: Fleet, options: WorkerOptions) => Promise<void>,
  { backend, threads, ...options }: WorkOptions,
): Promise<void> {
  const start = (): Promise<Hand> => Hand.start({ backend, ...(threads !== undefined && { threads }) });
  const idle = [await start()];
  const own = idle[0].backend;
  const packages = modules();
  const run = async ({ task, folder, out, signal, info, epoch }: Work): Promise<unknown> => {
    const hand = idle.pop() ?? (await start());
    const stop = (): void => void hand.kill('the trial is not this worker’s any more');
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const outcome = await hand.run(task as Task, resolve(out), { info, epoch }, folder);
      idle.push(hand);
      return {
        ...(outcome as object),
        ...('out' in (outcome as object) && { out: join('.', layout.model) }),
      };
    } catch (error) {
      if ((error as { code?: string }).code === 'worker-lost') await hand.kill();
      else idle.push(hand);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
  try {
    await workFor(fleet, {
      ...options,
      ...(packages !== undefined && { modules: packages }),
      backend: own,
      objection: async (needs) => objectionTo(needs, own),
      run,
      passing: (error) => passing.has(String((error as { code?: unknown }).code ?? 'failed')),
      results,
      checkpoint,
    });
  } finally {
    await Promise.all(idle.map((hand) => hand.kill()));
  }
}
