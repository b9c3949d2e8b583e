import { dirname } from 'node:path';
import { checkPlugin, EspalierError, type Plugin, unknownName } from '@espalier/core';
import type { LoadedRecipe } from '../recipe/load.js';
import { located } from '../recipe/located.js';
import type { PluginUse } from '../recipe/schema.js';
import { called, factoryNamed } from './factories.js';

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
    const factory = await factoryNamed(use, folder, '@espalier/pruners#agp');
    made = called(use, factory, options ?? {});
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
