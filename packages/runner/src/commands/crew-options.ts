import type { Backend } from '@espalier/backend';
import type { Listener } from '../pipeline/listener.js';
import type { LoadedRecipe } from '../recipe/load.js';
import { type Crew, inThisProcess } from '../trials/crew.js';
import { inProcesses } from '../trials/processes.js';
import { whole } from './compress-options.js';

/** Where trials run: arguments that several commands take. */
export const crewArguments = {
  parallel: {
    type: 'string',
    description:
      'How many trials run side by side, in processes of this machine (default: one after another)',
    valueHint: 'n',
  },
  threads: {
    type: 'string',
    description: 'With --parallel: threads of each process (default: they share the cores)',
    valueHint: 'n',
  },
} as const;

type Given = { readonly [option in keyof typeof crewArguments]?: string | undefined };

/** Whether trials are asked for that run side by side. */
export const sideBySide = ({ parallel }: Given): boolean => parallel !== undefined;

/**
 * The crew that a command line asks for.
 *
 * @throws EspalierError `invalid-option`
 */
export function crewOf(
  { parallel, threads }: Given,
  {
    backend,
    listener,
    signal,
    loaded,
  }: {
    readonly backend: Backend;
    readonly listener: Listener;
    readonly signal?: AbortSignal;
    /** The recipe that trials are of, read already. */
    readonly loaded?: LoadedRecipe;
  },
): Crew {
  const stop = signal && { signal };
  if (parallel === undefined) {
    return inThisProcess({ backend, listener, ...stop, ...(loaded && { read: async () => loaded }) });
  }
  return inProcesses(whole('parallel', parallel, 1, 1024), {
    backend: backend.name,
    listener,
    ...stop,
    ...(threads !== undefined && { threads: whole('threads', threads, 1, 1024) }),
  });
}
