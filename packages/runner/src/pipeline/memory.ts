import {
  type CountedRatio,
  EspalierError,
  type Figure,
  type Plugin,
  type PluginState,
  type Run,
  type Running,
  readLater,
} from '@espalier/core';

/** What a plugin knew when its stage ended. */
export interface Remembered {
  readonly state: PluginState;
  /** The parameters that it was bound to. */
  readonly parameters: readonly string[];
  /** Whether it has something for the report: then it is kept although no stage goes on with it. */
  readonly reports: boolean;
}

/** What a report shows of the plugins. */
export interface Told {
  readonly figures: readonly Figure[];
  readonly paperRatios: Readonly<Record<string, CountedRatio>>;
}

/** What the plugins of a run have learned, from stage to stage, by owner. */
export class Memory {
  readonly #by: Map<string, Remembered>;

  constructor(saved: Readonly<Record<string, Remembered>> = {}) {
    this.#by = new Map(Object.entries(saved));
  }

  stateOf(owner: string): PluginState | undefined {
    return this.#by.get(owner)?.state;
  }

  /** Keeps what a plugin knows at the end of its stage, if anybody will ask. */
  async keep(running: Running, shared: boolean): Promise<void> {
    const { session, owner, of } = running;
    const reports = session.figures !== undefined || session.paperRatios !== undefined;
    if (!shared && !reports) return;
    const parameters = of.map(({ name }) => name);
    this.#by.set(owner, { state: await running.save(readLater), parameters, reports });
  }

  saved(): Readonly<Record<string, Remembered>> {
    return Object.fromEntries(this.#by);
  }

  /**
   * The pictures and ratios of all plugins, of a run as it is now: each is started once more from what it knew.
   *
   * @param pluginOf - The plugin that was last known by an owner's name.
   */
  async tell(run: Run, pluginOf: (owner: string) => Plugin | undefined): Promise<Told> {
    const figures: Figure[] = [];
    const paperRatios: Record<string, CountedRatio> = {};
    const there = new Set(run.parameters.map(({ name }) => name));
    for (const [owner, { state, parameters, reports }] of this.#by) {
      const plugin = pluginOf(owner);
      const left = parameters.filter((name) => there.has(name));
      if (!reports || plugin === undefined || left.length === 0) continue;
      const running = await run.start(plugin, { owner, state, parameters: left });
      try {
        figures.push(...(running.session.figures?.() ?? []));
        Object.assign(paperRatios, await running.session.paperRatios?.(readLater));
      } catch (cause) {
        throw new EspalierError('bad-plugin', `${plugin.name} has no report: ${(cause as Error).message}`, {
          cause,
        });
      } finally {
        running.dispose();
      }
    }
    return { figures, paperRatios };
  }
}
