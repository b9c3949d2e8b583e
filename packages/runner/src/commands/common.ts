import { type Backend, type BackendName, type BackendTrial, startBackend } from '@espalier/backend';
import { EspalierError, unknownName } from '@espalier/core';
import { readable } from '@espalier/formats';
import { type MeasuredPart, measuredParts } from '../pipeline/measures.js';
import { print, tell } from '../terminal/stream.js';

const choices = ['auto', 'gpu', 'webgpu', 'native', 'wasm', 'cpu'] as const;

/** Arguments that several commands take. */
export const backendArgument = {
  backend: {
    type: 'string',
    default: 'auto',
    description: 'auto, gpu, webgpu, native, wasm or cpu',
    valueHint: 'name',
  },
} as const;

type Threads = number | 'measured';

/** A model to read. */
export const modelArgument = {
  model: { type: 'positional', required: true, description: readable },
} as const;

/** The file that a command writes. @param what - What it is, for --help */
export const outArgument = (what: string) =>
  ({
    out: { type: 'string', alias: 'o', required: true, description: what, valueHint: 'file' },
  }) as const;

export const jsonArgument = {
  json: { type: 'boolean', default: false, description: 'Print JSON for machines on stdout' },
} as const;

/** What a run is measured on, by its name. @throws EspalierError `unknown-name` */
export function measuredPart(name: string): MeasuredPart {
  const part = measuredParts.find((one) => one === name);
  if (part === undefined) throw unknownName('part of the data', name, measuredParts);
  return part;
}

/**
 * Starts the backend a command line asks for. With `auto`, `trial` decides between the CPU and a card, and how many threads
 * there are where they are to be measured. TensorFlow's
 * own log lines are silenced unless asked for.
 */
export async function startNamed(
  name: string,
  log: (line: string) => void,
  {
    trial,
    threads,
  }: { readonly trial?: BackendTrial | undefined; readonly threads?: Threads | undefined } = {},
): Promise<Backend> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  if (!(choices as readonly string[]).includes(name)) throw unknownName('backend', name, choices);
  return startBackend({
    prefer: name as 'auto' | BackendName,
    log,
    ...(trial && { trial }),
    ...(threads && { threads }),
  });
}

/** Refuses options that the command does not have (citty lets them pass). */
export function checkArguments(given: Readonly<Record<string, unknown>>, known: object, allowed = 1): void {
  const names = Object.keys(known).flatMap((name) => [
    name,
    name.replace(/-([a-z])/g, (_, c: string) => c.toUpperCase()),
  ]);
  const aliases = Object.values(known).flatMap(
    (definition) => (definition as { alias?: string }).alias ?? [],
  );
  for (const name of Object.keys(given)) {
    if (name !== '_' && !names.includes(name) && !aliases.includes(name)) {
      throw unknownName(
        'option',
        `--${name}`,
        Object.keys(known).map((n) => `--${n}`),
      );
    }
  }
  const extra = (given._ as string[]).slice(allowed);
  if (extra.length > 0)
    throw new EspalierError('unknown-option', `There is an argument too many: '${extra[0]}'.`);
}

/** Values of an option that may be given several times; citty keeps the last only. */
export function repeated(rawArgs: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (const [i, argument] of rawArgs.entries()) {
    if (argument === `--${name}` && rawArgs[i + 1] !== undefined) values.push(rawArgs[i + 1]);
    if (argument.startsWith(`--${name}=`)) values.push(argument.slice(name.length + 3));
  }
  return values;
}

/** Tells something on stderr. */
export function warn(line: string): void {
  tell(`${line}\n`);
}

/** Prints a value as JSON on stdout. */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, null, 2)}\n`);
}
