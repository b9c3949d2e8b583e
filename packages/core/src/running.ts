import { EspalierError } from './errors.js';
import { masksFrom, quantizedFrom } from './internal/answers.js';
import { type Moment, once } from './moment.js';
import { type Kind, type Of, type Plugin, sessionMethods } from './plugin.js';
import { type Read, reading } from './read.js';
import type { RunState } from './run-state.js';
import type { PluginState, PrunerSession, QuantizerSession, Session } from './session.js';

/** How a plugin is started. */
export interface BindOptions {
  /** What an earlier session of it has saved, to go on with. */
  readonly state?: PluginState;
  /** The name its masks go by: those of different owners combine by AND. Default: the plugin's name. */
  readonly owner?: string;
}

/**
 * A plugin at work on parameters of a run, made by `run.start`. Its session acts when it is called; `fire` does with
 * the run what the session says.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, type Pruner, Run } from '@espalier/core';
 * const halving: Pruner = {
 *   name: 'halving', // keeps the first half, then the first quarter, …
 *   kinds: ['pruner'],
 *   start(_run, [kernel]) {
 *     let left = kernel.size;
 *     return {
 *       masks() {
 *         left = Math.ceil(left / 2);
 *         const bits = Array.from({ length: kernel.size }, (_, i) => Number(i < left));
 *         return new Map([[kernel, tf.tensor(bits, kernel.shape as number[])]]);
 *       },
 *     };
 *   },
 * };
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 8, inputShape: [1], useBias: false })] });
 * const run = new Run(model);
 * const running = await run.start(halving);
 * for (let index = 0; index < 2; index++) await running.fire({ ...once(), index, count: 2 });
 * running.dispose();
 * if ((await run.counts()).nonzero !== 2) throw new Error('unexpected');
 * ```
 */
export class Running<S extends Session = Session> {
  readonly run: RunState;
  readonly plugin: Plugin<S>;
  readonly of: Of;
  readonly owner: string;
  readonly session: S;

  /** @internal Use `run.start`. */
  constructor(run: RunState, plugin: Plugin<S>, of: Of, owner: string, session: S) {
    this.run = run;
    this.plugin = plugin;
    this.of = of;
    this.owner = owner;
    this.session = session;
  }

  /**
   * A firing: sets a pruner's masks, then shares a quantizer's values. Returns the parameters that are trained
   * differently from now on; a promise of them where a backend or the plugin takes its time.
   *
   * @throws EspalierError `invalid-schedule` (pruning after sharing), `bad-plugin`, `shape-mismatch`
   */
  fire(at: Moment = once(), read: Read = reading()): Of | Promise<Of> {
    const pruned = this.#prune(at, read);
    if (this.as<QuantizerSession>('quantizer') === undefined) return pruned;
    return this.#quantize(pruned, at, read);
  }

  /** @internal The session as what a kind does; undefined where the plugin is not of that kind. */
  as<T extends Session>(kind: Kind): T | undefined {
    return this.plugin.kinds.includes(kind) ? (this.session as unknown as T) : undefined;
  }

  #prune(at: Moment, read: Read): Of | Promise<Of> {
    const { run, plugin, of, owner } = this;
    const session = this.as<PrunerSession>('pruner');
    if (session === undefined) return [];
    // What is a quantizer too prunes what is left to it to share.
    const shared = of.find((p) => run.shared(p) !== undefined);
    if (shared !== undefined && !plugin.kinds.includes('quantizer')) {
      throw new EspalierError(
        'invalid-schedule',
        `${plugin.name} prunes ${shared.name}, whose values are shared.`,
        {
          remedy: 'Prune first, quantise after.',
        },
      );
    }
    if (session.revives) for (const p of of) run.keepDense(p);
    const set = (answer: ReturnType<PrunerSession['masks']>): Of => {
      const masks = masksFrom(plugin, answer as never);
      run.setMasks(masks, owner);
      // A dense copy is what is trained, also where the pruner has left a parameter alone.
      return session.revives ? of : [...masks.keys()];
    };
    const masks = session.masks(at, read);
    return masks instanceof Promise ? masks.then(set) : set(masks);
  }

  async #quantize(pruned: Of | Promise<Of>, at: Moment, read: Read): Promise<Of> {
    const changed = await pruned;
    const session = this.session as unknown as QuantizerSession;
    const tensors = quantizedFrom(this.plugin, await session.quantize(at, read));
    await this.run.shareAll(tensors);
    return [...new Set([...changed, ...tensors.keys()])];
  }

  /** Ends what revives: what is pruned now stays pruned. Returns the parameters that lose their dense copy. */
  settle(): Of {
    if (!this.as<PrunerSession>('pruner')?.revives) return [];
    for (const p of this.of) this.run.dropDense(p);
    return this.of;
  }

  /** All that another start needs to go on from here; `{}` of a session that keeps nothing. */
  save(read: Read = reading()): PluginState | Promise<PluginState> {
    return this.session.save?.(read) ?? {};
  }

  dispose(): void {
    this.session.dispose?.();
  }
}

/** Whether it is started already; by what it has, for there may be two copies of this package. */
export function isRunning(plugin: Plugin | Running): plugin is Running {
  return typeof plugin === 'object' && plugin !== null && 'session' in plugin && 'owner' in plugin;
}

/** @internal `run.start` with parameters that are selected already. */
export function startPlugin<S extends Session>(
  run: RunState,
  plugin: Plugin<S>,
  of: Of,
  { state, owner = plugin.name }: BindOptions = {},
): Running<S> | Promise<Running<S>> {
  checkPlugin(plugin);
  const running = (session: S): Running<S> => {
    try {
      checkSession(plugin, session);
    } catch (error) {
      session?.dispose?.();
      throw error;
    }
    return new Running(run, plugin, of, owner, session);
  };
  const session = plugin.start(run, of, state);
  return session instanceof Promise ? session.then(running) : running(session);
}

/** Refuses what is no plugin. @throws EspalierError `bad-plugin` */
export function checkPlugin(plugin: Plugin): void {
  const { name, kinds, start } = plugin ?? {};
  const known =
    Array.isArray(kinds) && kinds.length > 0 && kinds.every((kind) => Object.hasOwn(sessionMethods, kind));
  if (typeof name === 'string' && known && typeof start === 'function') return;
  throw new EspalierError(
    'bad-plugin',
    `${typeof name === 'string' ? name : String(plugin)} is not a plugin.`,
    {
      remedy: `A plugin has a name, kinds (of ${Object.keys(sessionMethods).join(', ')}) and start, which makes a session.`,
    },
  );
}

/** Refuses a session that does not do what its plugin says, or something else. @throws EspalierError `bad-plugin` */
function checkSession({ name, kinds }: Plugin, session: Session): void {
  const has = (method: string): boolean =>
    typeof (session as Readonly<Record<string, unknown>> | null | undefined)?.[method] === 'function';
  for (const [kind, method] of Object.entries(sessionMethods) as [Kind, string][]) {
    const said = kinds.includes(kind);
    if (said && !has(method)) {
      throw new EspalierError('bad-plugin', `${name} is a ${kind}, but its session has no ${method}.`, {
        remedy: `Let start return an object with ${method}, or leave '${kind}' out of its kinds.`,
      });
    }
    // Anything may observe by the way.
    if (!said && kind !== 'observer' && has(method)) {
      throw new EspalierError('bad-plugin', `${name} has ${method}, but its kinds are ${kinds.join(', ')}.`, {
        remedy: `Add '${kind}' to its kinds.`,
      });
    }
  }
}
