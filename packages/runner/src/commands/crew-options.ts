import type { Backend } from '@espalier/backend';
import { EspalierError } from '@espalier/core';
import { inFleet } from '../fleet/in-fleet.js';
import type { Listener } from '../pipeline/listener.js';
import type { LoadedRecipe } from '../recipe/load.js';
import { type Crew, inThisProcess } from '../trials/crew.js';
import { inProcesses } from '../trials/processes.js';
import { bytes, whole } from './compress-options.js';

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
    description:
      'Threads that native TensorFlow computes with, with --parallel in each process (default: run measures what is fastest; else all cores, which --parallel shares out)',
    valueHint: 'n',
  },
  fleet: {
    type: 'string',
    description:
      'Trials run on the workers of a fleet: postgres://user@host/database (default: ESPALIER_FLEET)',
    valueHint: 'url',
  },
  study: {
    type: 'string',
    description: 'With --fleet: its name there; the same name goes on with it',
    valueHint: 'name',
  },
  tags: { type: 'string', description: 'With --fleet: what workers must have: gpu', valueHint: 'names' },
  'bundle-size': {
    type: 'string',
    description: 'With --fleet: most bytes of files that travel with the trials (default 64MiB)',
    valueHint: 'bytes',
  },
} as const;

type Given = { readonly [option in keyof typeof crewArguments]?: string | undefined };

/** Whether trials are asked for that run side by side. */
export const sideBySide = ({ parallel, fleet }: Given): boolean =>
  parallel !== undefined || fleet !== undefined;

/** The address of a fleet: an option's, or the environment's where the option is there without one. */
export function fleetUrl(given: string | undefined): string {
  const url = given || process.env.ESPALIER_FLEET;
  if (url) return url;
  throw new EspalierError('invalid-option', 'There is no fleet.', {
    remedy: 'Give --fleet postgres://user@host/database, or set ESPALIER_FLEET.',
  });
}

/** The threads that a command line asks for. @throws EspalierError `invalid-option` */
export const threadsOf = ({ threads }: Given): number | undefined =>
  threads === undefined ? undefined : whole('threads', threads, 1, 1024);

export const namesOf = (text = ''): string[] => text.split(',').filter((name) => name !== '');

/** Options that have no use without others. */
function checkCrew(given: Given): void {
  const without = (option: keyof Given, needed: keyof Given): void => {
    if (given[option] === undefined || given[needed] !== undefined) return;
    throw new EspalierError('invalid-option', `--${option} has no use without --${needed}.`, {
      remedy: `Leave it out, or give --${needed}.`,
    });
  };
  if (given.fleet !== undefined && given.threads !== undefined) {
    throw new EspalierError('invalid-option', '--threads is for processes of this machine.', {
      remedy: 'Give it to the workers of the fleet: espalier worker --threads.',
    });
  }
  for (const option of ['study', 'tags', 'bundle-size'] as const) without(option, 'fleet');
}

/**
 * The crew that a command line asks for.
 *
 * @param name - Begins the name of a study in a fleet.
 * @throws EspalierError `invalid-option`, and as `inFleet`
 */
export async function crewOf(
  given: Given,
  {
    backend,
    listener,
    signal,
    loaded,
    name,
  }: {
    readonly backend: Backend;
    readonly listener: Listener;
    readonly signal?: AbortSignal;
    /** The recipe that trials are of, read already. */
    readonly loaded?: LoadedRecipe;
    readonly name: string;
  },
): Promise<Crew> {
  checkCrew(given);
  const { parallel, fleet, study, tags } = given;
  const threads = threadsOf(given);
  const stop = signal && { signal };
  const side = parallel === undefined ? undefined : whole('parallel', parallel, 1, 1024);
  if (fleet !== undefined) {
    return inFleet({
      url: fleetUrl(fleet),
      name,
      ...(study !== undefined && { study }),
      tags: namesOf(tags),
      ...(given['bundle-size'] !== undefined && { bundleSize: bytes(given['bundle-size'], 'bundle-size') }),
      ...(side !== undefined && { parallel: side }),
      backend: backend.name,
      listener,
      ...stop,
    });
  }
  if (side === undefined) {
    return inThisProcess({ backend, listener, ...stop, ...(loaded && { read: async () => loaded }) });
  }
  return inProcesses(side, {
    backend: backend.name,
    listener,
    ...stop,
    ...(threads !== undefined && { threads }),
  });
}
