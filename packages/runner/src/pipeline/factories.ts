import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EspalierError, nearestName, shown, unknownName } from '@espalier/core';
import { places } from '../resolve-package.js';

type Module = Record<string, unknown>;

/** Imports a file of the recipe's own. @throws EspalierError `unknown-name`, `bad-plugin` */
async function importFile(file: string): Promise<Module> {
  if (!existsSync(file)) {
    throw new EspalierError('unknown-name', `There is no file ${file}.`, {
      remedy: "Write './plugin.js#factory', from the recipe's folder.",
    });
  }
  try {
    return (await import(pathToFileURL(file).href)) as Module;
  } catch (cause) {
    throw new EspalierError('bad-plugin', `${file} failed to load: ${String(cause)}`, { cause });
  }
}

/** Imports a package as the recipe's folder sees it, then as others do, this package last. */
async function importPackage(name: string, folder: string): Promise<Module> {
  const ours = `@espalier/${name}`;
  const candidates = known.includes(name) ? [ours] : /^[.@]/.test(name) ? [name] : [name, ours];
  const failures: unknown[] = [];
  for (const candidate of candidates) {
    if (candidate.startsWith('.')) return importFile(resolve(folder, candidate));
    for (const require of places(folder)) {
      try {
        const file = require.resolve(`${candidate}/package.json`);
        const manifest = require(file) as { exports?: unknown; main?: string };
        const entry = entryOf(manifest);
        if (entry !== undefined)
          return (await import(pathToFileURL(resolve(dirname(file), entry)).href)) as Module;
      } catch (error) {
        failures.push(error);
      }
    }
    try {
      return (await import(candidate)) as Module;
    } catch (error) {
      failures.push(error);
    }
  }
  const code = (failures.at(-1) as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') {
    throw new EspalierError('bad-plugin', `The package ${name} failed to load: ${String(failures.at(-1))}`, {
      cause: failures.at(-1),
    });
  }
  const near = nearestName(name.replace('@espalier/', ''), known);
  const wanted = near === undefined ? name : `@espalier/${near}`;
  throw new EspalierError('unknown-name', `There is no package ${candidates.join(' or ')}.`, {
    remedy: `${candidates.includes(wanted) ? '' : `Did you mean '${wanted}'? `}Install it: npm install ${wanted}`,
  });
}

const known = [
  'pruners',
  'pruners-structured',
  'regularizers',
  'priors-gmm',
  'bayesian-layers',
  'quantize-kmeans',
  'rate',
];

/** The ES module that a manifest's `exports` or `main` names. */
function entryOf({ exports, main }: { exports?: unknown; main?: string }): string | undefined {
  let entry = exports;
  while (entry !== null && typeof entry === 'object') {
    const conditions = entry as Record<string, unknown>;
    entry = conditions['.'] ?? conditions.import ?? conditions.node ?? conditions.default;
  }
  return typeof entry === 'string' ? entry : main;
}

/** What a factory makes of its options. One that stumbles over them is told of by its name. */
export function called(use: string, factory: (options: unknown) => unknown, options: unknown): unknown {
  try {
    return factory(options);
  } catch (cause) {
    if (typeof (cause as { code?: unknown } | null)?.code === 'string') throw cause;
    const given = shown(options, 200);
    throw new EspalierError('bad-plugin', `${use} makes nothing of ${given}: ${(cause as Error)?.message}`, {
      cause,
      remedy: "Its readme lists its 'options'.",
    });
  }
}

/** A function that makes something of options. */
export type AnyFactory = (options: unknown) => unknown;

/** What is looked for in a module, for its messages too. */
interface Wanted {
  /** In a word. */
  readonly what: string;
  /** How it could be written. */
  readonly example: string;
  /** Whether an export can be it. */
  fits(value: unknown): boolean;
}

/**
 * What `package#name` or `./file.mjs#name` names, from a folder.
 *
 * @throws EspalierError as {@link factoryNamed} does
 */
export async function exportNamed(
  use: string,
  folder: string,
  { what, example, fits }: Wanted,
): Promise<unknown> {
  const [file, name] = use.split('#');
  if (!file || !name) {
    throw new EspalierError('bad-plugin', `'${use}' does not name a ${what}.`, {
      remedy: `Write 'package#${what}', for example '${example}'.`,
    });
  }
  const module = await importPackage(file, folder);
  const candidate = Object.hasOwn(module, name) ? module[name] : undefined;
  if (fits(candidate)) return candidate;
  throw unknownName(
    `${what} in ${file}`,
    name,
    Object.keys(module).filter((key) => fits(module[key])),
  );
}

/**
 * The factory that `package#factory` or `./file.mjs#factory` names, from a folder.
 *
 * @param example - How it could be written, for the message.
 * @throws EspalierError `unknown-name` for a package or factory that does not exist (with the nearest name), `bad-plugin`
 *   when it does not name one, or does not load
 */
export async function factoryNamed(use: string, folder: string, example: string): Promise<AnyFactory> {
  const fits = (value: unknown): boolean => typeof value === 'function';
  return (await exportNamed(use, folder, { what: 'factory', example, fits })) as AnyFactory;
}
