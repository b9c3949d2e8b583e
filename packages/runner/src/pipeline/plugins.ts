import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkPlugin, EspalierError, nearestName, type Plugin, unknownName } from '@espalier/core';
import type { LoadedRecipe } from '../recipe/load.js';
import { located } from '../recipe/located.js';
import type { PluginUse } from '../recipe/schema.js';

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

/** Imports a package as the recipe's folder sees it, then as this package does. */
async function importPackage(name: string, folder: string): Promise<Module> {
  const full = name.startsWith('.') || name.startsWith('@') ? name : undefined;
  const candidates = full === undefined ? [name, `@espalier/${name}`] : [full];
  const failures: unknown[] = [];
  for (const candidate of candidates) {
    if (candidate.startsWith('.')) return importFile(resolve(folder, candidate));
    for (const base of [resolve(folder, 'recipe.js'), resolve('recipe.js')]) {
      try {
        const file = createRequire(pathToFileURL(base)).resolve(`${candidate}/package.json`);
        const manifest = createRequire(file)(file) as { exports?: unknown; main?: string };
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
  throw new EspalierError('unknown-name', `There is no package ${candidates.join(' or ')}.`, {
    remedy: `${near === undefined ? '' : `Did you mean '@espalier/${near}'? `}Install it: npm install ${name}`,
  });
}

const known = [
  'pruners',
  'pruners-structured',
  'regularizers',
  'priors-gmm',
  'bayesian-layers',
  'quantize-kmeans',
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
function called(use: string, factory: (options: unknown) => unknown, options: unknown): unknown {
  try {
    return factory(options);
  } catch (cause) {
    if (typeof (cause as { code?: unknown } | null)?.code === 'string') throw cause;
    const given = JSON.stringify(options);
    throw new EspalierError('bad-plugin', `${use} makes nothing of ${given}: ${(cause as Error)?.message}`, {
      cause,
      remedy: "Its readme lists its 'options'.",
    });
  }
}

/**
 * Makes a plugin: `package#factory` with its options.
 *
 * @throws EspalierError `unknown-name` for a package or factory that does not exist (with the nearest name),
 *   `bad-plugin` when the factory does not make a plugin; whatever the factory throws on its options
 */
async function make(use: string | (() => unknown), options: unknown, folder: string): Promise<Plugin> {
  let made: unknown;
  if (typeof use === 'function') {
    made = use();
  } else {
    const [name, factory] = use.split('#');
    if (!name || !factory) {
      throw new EspalierError('bad-plugin', `'${use}' does not name a factory.`, {
        remedy: "Write 'package#factory', for example '@espalier/pruners#agp'.",
      });
    }
    const module = await importPackage(name, folder);
    const candidate = Object.hasOwn(module, factory) ? module[factory] : undefined;
    if (typeof candidate !== 'function') {
      const factories = Object.keys(module).filter((key) => typeof module[key] === 'function');
      throw unknownName(`factory in ${name}`, factory, factories);
    }
    made = called(use, candidate as (options: unknown) => unknown, options ?? {});
  }
  try {
    checkPlugin(made as Plugin);
  } catch (cause) {
    const what = typeof use === 'function' ? 'The function' : use;
    throw new EspalierError('bad-plugin', `${what} did not make a plugin.`, {
      cause,
      remedy: (cause as EspalierError).remedy ?? '',
    });
  }
  return made as Plugin;
}

/** All plugins of a recipe: those it names by id, made once, and those of single stages. */
export class Plugins {
  readonly shared = new Map<string, Plugin>();
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws EspalierError as `make` does */
  static async of({ recipe, source }: LoadedRecipe): Promise<Plugins> {
    const folder = dirname(source.file);
    const plugins = new Plugins(folder);
    for (const [id, { use, options }] of Object.entries(recipe.plugins ?? {})) {
      plugins.shared.set(id, await located(source, ['plugins', id, 'use'], () => make(use, options, folder)));
    }
    return plugins;
  }

  /** The plugin that a schedule or stage asks for. */
  async get({ use, options, plugin }: PluginUse): Promise<Plugin> {
    if (use !== undefined) return make(use, options, this.#folder);
    if (plugin === undefined) {
      throw new EspalierError('bad-recipe', "Neither 'use' nor 'plugin' says which plugin.", {
        remedy: "Write use: '@espalier/pruners#agp'.",
      });
    }
    const found = this.shared.get(plugin);
    if (found === undefined) throw unknownName('plugin', plugin, this.shared.keys());
    return found;
  }
}
