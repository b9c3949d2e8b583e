/** What the page shows of a fleet of workers, read anew each time; as JSON. `@espalier/fleet` has each of these. */
export interface FleetSource {
  /** Where it is, without what nobody needs to know. */
  readonly shown: string;
  /** Its studies, workers and failures. */
  status(): Promise<unknown>;
  /** The trials of a study. */
  trials(study: string): Promise<unknown>;
  /** What a trial of a study has said. */
  log(study: string, trial: string): Promise<unknown>;
}

/** An answer: its status, and its body as JSON. */
export interface FleetAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Answers what the page asks of a fleet: `fleet.json`, `fleet/trials.json?study=`, `fleet/log.json?study=&trial=`. Pages that ask at
 * once share what is asked of the database.
 */
export class FleetAnswers {
  readonly #source: FleetSource;
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(source: FleetSource) {
    this.#source = source;
  }

  async answer(path: string, query: URLSearchParams): Promise<FleetAnswer | undefined> {
    const [study, trial] = [query.get('study') ?? '', query.get('trial') ?? ''];
    const asks: Readonly<Record<string, () => Promise<unknown>>> = {
      'fleet.json': async () => ({ shown: this.#source.shown, ...((await this.#source.status()) as object) }),
      'fleet/trials.json': () => this.#source.trials(study),
      'fleet/log.json': () => this.#source.log(study, trial),
    };
    if (!Object.hasOwn(asks, path)) return undefined;
    const key = JSON.stringify([path, study, trial]);
    const asked = this.#asked.get(key) ?? asks[path]().finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    try {
      return { status: 200, body: JSON.stringify(await asked) };
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      return {
        status: code === 'unknown-name' ? 404 : 503,
        body: JSON.stringify({ message: message.split('\n')[0] }),
      };
    }
  }
}
