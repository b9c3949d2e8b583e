import { type Moment, once } from './moment.js';
import type { Plugin, Pruner, Quantizer } from './plugin.js';
import { type Read, reading, readLater } from './read.js';
import { RunState } from './run-state.js';
import { type BindOptions, type Running, startPlugin } from './running.js';
import type { Selector } from './selector.js';
import type { PluginState, Session } from './session.js';

/**
 * A model on its way to being small: its parameters, the masks on them and the values they share, and the plugins that
 * are put to work on them. It outlives training stages; the trainer, plugins and the encoder all look at it.
 *
 * Invariant: outside a call, a masked weight is exactly 0 and a shared weight is exactly its codebook entry.
 */
export class Run extends RunState {
  /**
   * Starts a plugin on the parameters that a selector names: for a loop of one's own. What it returns is disposed by
   * the caller; with a backend (WebGPU) or a plugin that takes its time it is a promise to await.
   *
   * @throws EspalierError `unknown-name`, `bad-plugin`, whatever the plugin throws
   */
  start<S extends Session>(
    plugin: Plugin<S>,
    { parameters, ...rest }: BindOptions & { readonly parameters?: Selector } = {},
  ): Running<S> | Promise<Running<S>> {
    return startPlugin(this, plugin, this.select(parameters), rest);
  }

  /**
   * Starts a pruner, sets its masks under its name and ends it: for pruners that need no more than the weights as
   * they are. One that measures something between its firings is started with `start` and fired there.
   *
   * Done when it returns, unless a backend (WebGPU) or a pruner takes its time: then there is a promise to await.
   */
  prune(pruner: Pruner, selector?: Selector, at: Moment = once()): void | Promise<void> {
    return this.#once(pruner, selector, at, undefined, reading());
  }

  /**
   * Starts a quantizer, shares the values that it finds and ends it.
   *
   * @param state - Of a prior whose quantizer this is: `await session.save()`.
   */
  async quantize(
    quantizer: Quantizer,
    selector?: Selector,
    at: Moment = once(),
    state?: PluginState,
  ): Promise<void> {
    await this.#once(quantizer, selector, at, state, readLater);
  }

  #once(
    plugin: Plugin,
    parameters: Selector | undefined,
    at: Moment,
    state: PluginState | undefined,
    read: Read,
  ): void | Promise<void> {
    const later = async (started: Promise<Running>): Promise<void> => {
      const running = await started;
      try {
        await running.fire(at, read);
      } finally {
        running.dispose();
      }
    };
    const running = this.start(plugin, {
      ...(parameters !== undefined && { parameters }),
      ...(state && { state }),
    });
    if (running instanceof Promise) return later(running);
    let fired: unknown;
    try {
      fired = running.fire(at, read);
    } finally {
      if (!(fired instanceof Promise)) running.dispose();
    }
    if (fired instanceof Promise) return fired.finally(() => running.dispose()).then(() => undefined);
  }
}
