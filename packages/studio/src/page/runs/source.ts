import type { Report, WatchLine } from '@espalier/report';
import type { RunListing } from '../../runs.js';

/** An epoch as `metrics.jsonl` has it. */
export interface MetricLine {
  readonly stage: string;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate?: number;
  readonly validationLoss?: number | null;
  readonly validationAccuracy?: number | null;
  readonly validationMetrics?: Readonly<Record<string, number | null>>;
  readonly sparsity?: number;
  readonly seconds?: number;
  readonly wait?: number;
}

/** How far the epoch is that a run is in. */
export interface Live {
  readonly stage: string;
  readonly epoch: number;
  readonly epochs?: number;
  readonly step: number;
  readonly steps?: number;
  readonly loss?: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** A trial as `search.json` has it. */
export interface SearchedTrial {
  readonly trial: number;
  readonly rung: number;
  readonly values: Readonly<Record<string, unknown>>;
  readonly error: number;
  readonly value?: number;
  readonly bytes: number;
  readonly failed?: string;
}

export interface SearchState {
  readonly trials: readonly SearchedTrial[];
  /** Asked for and not done. */
  readonly pending?: readonly unknown[];
  readonly goal?: { readonly metric: string; readonly better: 'higher' | 'lower' };
}

/** All that is known of a run. */
export interface RunData {
  readonly metrics: readonly MetricLine[];
  readonly watch: readonly WatchLine[];
  readonly live?: Live;
  readonly report?: Report;
  readonly search?: SearchState;
}

/** Lines of JSON; the last may not be whole while it is being written. */
function linesOf<T>(text: string): T[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as T];
    } catch {
      return [];
    }
  });
}

/** An epoch that was done again after the run was killed counts as it was done last, in the place where it stood. */
export function lastOfEach<T extends { readonly stage: string; readonly epoch: number }>(lines: readonly T[]): T[] {
  const byEpoch = new Map<string, T>();
  for (const line of lines) byEpoch.set(`${line.stage}\n${line.epoch}`, line);
  return [...byEpoch.values()];
}

const addressOf = (path: string, file: string): string =>
  ['runs', ...path.split('/').filter(Boolean), file].map(encodeURIComponent).join('/');

/** The page that a run or a search has written. */
export function pageOf({ path, files, kind }: RunListing): string | undefined {
  const name = kind === 'search' ? 'search.html' : 'report.html';
  return files[name] === undefined ? undefined : addressOf(path, name);
}

export async function listRuns(): Promise<RunListing[]> {
  const response = await fetch('runs.json');
  if (!response.ok) throw new Error(`runs.json gave ${response.status}.`);
  return (await response.json()) as RunListing[];
}

interface Cached {
  readonly tag: string;
  readonly value: unknown;
}

/** Reads what runs have written, and again only what has changed. */
export class RunSource {
  readonly #cache = new Map<string, Cached>();

  async #read<T>(run: RunListing, file: string, parse: (text: string) => T): Promise<T | undefined> {
    const tag = run.files[file];
    if (tag === undefined) return undefined;
    const address = addressOf(run.path, file);
    const known = this.#cache.get(address);
    if (known?.tag === tag) return known.value as T;
    const response = await fetch(address);
    // Gone again, or not whole: as it was before, until the next look.
    if (!response.ok) return known?.value as T | undefined;
    try {
      const value = parse(await response.text());
      this.#cache.set(address, { tag, value });
      return value;
    } catch {
      return known?.value as T | undefined;
    }
  }

  async read(run: RunListing): Promise<RunData> {
    const json = <T>(text: string): T => JSON.parse(text) as T;
    const [metrics, watch, live, report, search] = await Promise.all([
      this.#read(run, 'metrics.jsonl', (text) => lastOfEach(linesOf<MetricLine>(text))),
      this.#read(run, 'watch.jsonl', (text) => lastOfEach(linesOf<WatchLine>(text))),
      this.#read(run, 'live.json', json<Live>),
      this.#read(run, 'report.json', json<Report>),
      this.#read(run, 'search.json', json<SearchState>),
    ]);
    return {
      metrics: metrics ?? [],
      watch: watch ?? [],
      ...(live && { live }),
      ...(report && { report }),
      ...(search && { search }),
    };
  }
}
