import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Fleet, Study } from '@espalier/fleet';
import type { Listener } from '../pipeline/listener.js';
import { optionalPackage } from '../resolve-optional.js';
import type { Crew, Trial } from '../trials/crew.js';
import type { Failed } from '../trials/perform.js';
import type { OutcomeOf, Task } from '../trials/task.js';
import { neededBy, rooted } from './files-of.js';
import { needsOf } from './needs.js';

type FleetPackage = typeof import('@espalier/fleet');

/** The package, which those install who have a fleet. @throws EspalierError `missing-package` */
export const fleetPackage = (): Promise<FleetPackage> =>
  optionalPackage('@espalier/fleet', () => import('@espalier/fleet'));

/** What trials are handed to a fleet with. */
export interface InFleet {
  readonly url: string;
  /** What the study is called; the same name goes on with the same study. Default: by the recipe and what is in the bundle. */
  readonly study?: string;
  /** Begins the default name. */
  readonly name: string;
  readonly tags: readonly string[];
  /** Most bytes of the files that travel. */
  readonly bundleSize?: number;
  /** Trials at once, of strategies that learn. Default: as many as the fleet's workers run. */
  readonly parallel?: number;
  readonly backend: string;
  readonly listener: Listener;
  readonly signal?: AbortSignal;
}

/** How often, in milliseconds, it is asked how many workers there are. */
const askEvery = 5000;

/** A task whose paths are relative to the working folder, as the bundle has them. */
function portable(task: Task): Task {
  if (task.kind !== 'recipe') return task;
  const path = (file: string): string =>
    isAbsolute(file) ? relative(resolve('.'), file).split(sep).join('/') : file;
  const { common } = task;
  return {
    ...task,
    file: path(task.file),
    ...(common && { common: { ...common, model: path(common.model) } }),
  };
}

/**
 * Hands trials to a fleet.
 *
 * @throws EspalierError `missing-package`, `bad-key`, `no-database`
 */
export async function inFleet(options: InFleet): Promise<Crew> {
  const { url, listener, signal } = options;
  const { Fleet } = await fleetPackage();
  const fleet = await Fleet.open({ url, log: (line) => listener.warn(line) });
  return new FleetCrew(fleet, options, signal);
}

class FleetCrew implements Crew {
  readonly depth = 1000;
  #slots = 1;
  #study: Promise<Study> | undefined;
  #asking: NodeJS.Timeout | undefined;
  readonly #fleet: Fleet;
  readonly #options: InFleet;
  readonly #aborted: Promise<never>;

  constructor(fleet: Fleet, options: InFleet, signal: AbortSignal | undefined) {
    this.#fleet = fleet;
    this.#options = options;
    this.#aborted = new Promise((_, failed) => {
      signal?.addEventListener('abort', () => failed(new Error('The trials go on in the fleet.')), {
        once: true,
      });
    });
    this.#aborted.catch(() => {});
  }

  get width(): number {
    return this.#options.parallel ?? this.#slots;
  }

  async run<T extends Task>({ task, out, name }: Trial<T>): Promise<OutcomeOf<T> | Failed> {
    const here = portable(task);
    this.#study ??= this.#open(here);
    const study = await this.#study;
    this.#options.listener.info(name);
    return (await Promise.race([study.run(here, name, out), this.#aborted])) as OutcomeOf<T> | Failed;
  }

  async #open(task: Task): Promise<Study> {
    const { backend, bundleSize, listener, name, tags } = this.#options;
    const { putBundle, Study } = await fleetPackage();
    const { files, packages } = await neededBy(task);
    const { root, paths, folder } = rooted(files, '.');
    const needs = needsOf(packages, backend, '.');
    const bundle = await putBundle(this.#fleet, root, paths, {
      needs,
      folder,
      ...(bundleSize !== undefined && { most: bundleSize }),
    });
    const study = await Study.open(
      this.#fleet,
      this.#options.study ?? `${name}-${bundle.id.slice(0, 8)}`,
      bundle,
      tags,
    );
    listener.info(`Study ${study.name} on ${this.#fleet.database.shown}`);
    const told = new Set<string>();
    const look = async (): Promise<void> => {
      this.#slots = Math.max(1, await study.slots());
      for (const { worker, reason } of await study.refusals()) {
        const line = `Worker ${worker} refuses ${study.name}: ${reason}`;
        if (!told.has(line)) listener.warn(line);
        told.add(line);
      }
    };
    await look();
    this.#asking = setInterval(() => void look().catch(() => {}), askEvery);
    this.#asking.unref();
    return study;
  }

  async close(): Promise<void> {
    clearInterval(this.#asking);
    const study = await this.#study?.catch(() => undefined);
    if (study !== undefined) await this.#fleet.tidy(study.name).catch(() => {});
    await this.#fleet.close();
  }
}
