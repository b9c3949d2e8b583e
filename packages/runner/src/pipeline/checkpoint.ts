import { join } from 'node:path';
import {
  EspalierError,
  nestState,
  type PluginState,
  packState,
  type StateArray,
  unnestState,
  unpackState,
} from '@espalier/core';
import { readRegular } from '@espalier/host';
import { otherRun } from './alone.js';
import { layout, writeWhole } from './files.js';
import type { Remembered } from './memory.js';
import type { MetricLine, StageRecord } from './records.js';

/** Where a run stands: all that it needs to go on to the same bytes. */
export interface Checkpoint {
  /** The recipe as it was run; a resumed run must be of the same one. */
  readonly fingerprint: string;
  /** The backend it runs on: `native`, `webgpu`, … */
  readonly backend: string;
  /** Threads that it computes with. */
  readonly threads: number;
  /** The stage that is next, or half done. */
  readonly stage: number;
  readonly stages: readonly StageRecord[];
  readonly metrics: readonly MetricLine[];
  /** The model as JSON, weights in `run`. */
  readonly topology: unknown;
  readonly run: PluginState;
  /** Of the stage that is half done. */
  readonly trainer?: PluginState;
  /** What the plugins of the stages that are done have learned, by owner. */
  readonly plugins: Readonly<Record<string, Remembered>>;
}

type Arrays = Record<string, StateArray>;

const plain = <T>(json: T): T => (json === undefined ? json : JSON.parse(JSON.stringify(json)));

const keptState = ({ json, arrays }: PluginState): PluginState => ({
  json: plain(json),
  ...(arrays && { arrays: structuredClone(arrays) }),
});

/** A checkpoint by itself, whatever becomes of the arrays and records that it was made of. */
export function keptCheckpoint({ run, trainer, plugins, ...rest }: Checkpoint): Checkpoint {
  return {
    ...plain(rest),
    run: keptState(run),
    ...(trainer && { trainer: keptState(trainer) }),
    plugins: Object.fromEntries(
      Object.entries(plugins).map(([owner, { state, ...rest }]) => [
        owner,
        { ...plain(rest), state: keptState(state) },
      ]),
    ),
  };
}

/** Writes a checkpoint in place of the one before, atomically. */
export async function writeCheckpoint(out: string, checkpoint: Checkpoint): Promise<void> {
  const arrays: Arrays = {};
  const { run, trainer, plugins, ...rest } = checkpoint;
  const states = {
    run: nestState(arrays, 'run', run),
    trainer: trainer === undefined ? undefined : nestState(arrays, 'trainer', trainer),
    plugins: Object.fromEntries(
      Object.entries(plugins).map(([owner, { state, ...rest }]) => [
        owner,
        { ...rest, json: nestState(arrays, `plugin ${owner}`, state) },
      ]),
    ),
  };
  await writeWhole(join(out, layout.checkpoint), packState({ json: { ...rest, states }, arrays }));
}

function damaged(out: string, what: string, cause: unknown): EspalierError {
  return new EspalierError(
    'bad-state',
    `The checkpoint ${join(out, layout.checkpoint)} is of no use: ${what}.`,
    {
      cause,
      remedy: `Start again without it: delete ${out}, or choose another --out.`,
    },
  );
}

/** What the checkpoint of a run holds, if there is one. @throws EspalierError `bad-state` when it is damaged */
async function readState(out: string): Promise<PluginState | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegular(join(out, layout.checkpoint));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw damaged(out, `it cannot be read (${code})`, cause);
  }
  try {
    return unpackState(bytes);
  } catch (cause) {
    throw damaged(out, 'it is not what was written', cause);
  }
}

/** The backend a run began on, and its threads, if there is a checkpoint that says so. @throws EspalierError `bad-state` */
export async function beginningOf(out: string): Promise<Partial<Pick<Checkpoint, 'backend' | 'threads'>>> {
  const { backend, threads } = ((await readState(out))?.json ?? {}) as Partial<Checkpoint>;
  return { ...(backend !== undefined && { backend }), ...(threads !== undefined && { threads }) };
}

/**
 * Reads the checkpoint of a run, if there is one.
 *
 * @throws EspalierError `bad-state` when it is damaged or of another recipe
 */
export async function readCheckpoint(out: string, fingerprint: string): Promise<Checkpoint | undefined> {
  const state = await readState(out);
  if (state === undefined) return undefined;
  const { json, arrays = {} } = state;
  const { states, ...rest } = json as Omit<Checkpoint, 'run' | 'trainer' | 'plugins'> & {
    states: {
      run: unknown;
      trainer?: unknown;
      plugins: Record<string, Omit<Remembered, 'state'> & { json: unknown }>;
    };
  };
  if (rest.fingerprint !== fingerprint) {
    throw otherRun(out);
  }
  const all = arrays as Arrays;
  return {
    ...rest,
    run: unnestState(all, 'run', states.run),
    ...(states.trainer !== undefined && { trainer: unnestState(all, 'trainer', states.trainer) }),
    plugins: Object.fromEntries(
      Object.entries(states.plugins).map(([owner, { json, ...rest }]) => [
        owner,
        { ...rest, state: unnestState(all, `plugin ${owner}`, json) },
      ]),
    ),
  };
}
