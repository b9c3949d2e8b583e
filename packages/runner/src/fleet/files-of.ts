import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { EspalierError } from '@espalier/core';
import { filesOfModel } from '@espalier/formats';
import { NotRegularError } from '@espalier/host';
import { parseYaml } from '@espalier/yaml';
import { isData } from '../inputs/data-argument.js';
import { loadRecipe } from '../recipe/load.js';
import { moved } from '../recipe/moved.js';
import type { Recipe } from '../recipe/schema.js';
import { isProgram } from '../recipe/text.js';
import type { Task } from '../trials/task.js';

/** What a task needs: files that travel, by absolute paths; packages, by name. */
export interface Needed {
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
}

/** Relative modules that a program imports, by its text. */
const imported = /(?:\bfrom|\bimport|\brequire|\bimport\s*\(|\brequire\s*\()\s*(['"])(\.{1,2}\/[^'"]+)\1/g;

/** Packages that it imports. */
const importedPackages =
  /(?:\bfrom|\bimport|\bimport\s*\()\s*(['"])((?:@[\w.-]+\/)?[\w][\w.-]*)(?:\/[^'"]*)?\1/g;

class Collector implements Needed {
  readonly files = new Set<string>();
  readonly packages = new Set<string>();

  /** A file, or all files of a folder; of a model.json its weights, too. Absolute paths are where all machines see them. */
  async add(path: string, from: string): Promise<void> {
    if (!isAbsolute(path)) await this.take(resolve(from, path));
  }

  async take(file: string): Promise<void> {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) {
      throw new EspalierError('not-found', `There is no ${file}, which the trials need.`);
    }
    if (found.isDirectory()) {
      for (const entry of await readdir(file, { withFileTypes: true, recursive: true })) {
        if (entry.isFile()) this.files.add(join(entry.parentPath, entry.name));
      }
      return;
    }
    if (!found.isFile()) {
      const { message, remedy } = new NotRegularError(file, false);
      throw new EspalierError('not-found', message, { remedy });
    }
    // A model from anywhere names the files of its weights: it must not take others along.
    for (const one of await filesOfModel(file)) this.files.add(one);
  }

  /** A program and what it imports of files beside it. */
  async program(file: string): Promise<void> {
    if (this.files.has(file)) return;
    await this.take(file);
    const text = await readFile(file, 'utf8');
    for (const [, , name] of text.matchAll(importedPackages))
      if (!name.startsWith('node:')) this.packages.add(name);
    for (const [, , path] of text.matchAll(imported)) {
      const there = resolve(dirname(file), path);
      const candidates = [there, there.replace(/\.js$/, '.ts'), `${there}.ts`, `${there}.js`];
      for (const candidate of candidates) {
        if (!(await stat(candidate).catch(() => undefined))?.isFile()) continue;
        await this.program(candidate);
        break;
      }
    }
  }

  /** All that a recipe names. */
  async recipe(file: string, set: readonly string[] = []): Promise<void> {
    const { recipe } = await loadRecipe(file, { set });
    const full = resolve(file);
    if (isProgram(file)) await this.program(full);
    else await this.take(full);
    await this.named(recipe, dirname(full));
  }

  /** Paths are where `moved` changes them: those that are others in another folder are relative ones. */
  async named(recipe: Recipe, folder: string): Promise<void> {
    const elsewhere = resolve(folder, 'elsewhere-than-the-recipe');
    const paths = new Set<string>();
    differing(recipe, moved(recipe, folder, elsewhere), (path) => paths.add(path));
    const uses: string[] = [];
    usesIn({ ...recipe, search: undefined }, uses);
    usesIn(recipe.search, uses, true);
    for (const path of paths) {
      const [name] = path.split('#');
      if (/\.[cm]?[jt]s$/.test(name)) await this.program(resolve(folder, name));
      else await this.add(name, folder);
    }
    for (const use of uses) {
      const [name] = use.split('#');
      if (name.startsWith('.')) await this.program(resolve(folder, name));
      else this.packages.add(name);
    }
  }

  /** Data as `--data` names them: a recipe, data in braces, a folder, files; a name brings nothing. */
  async data(text: string): Promise<void> {
    if (!isData(text)) return;
    if (!text.trimStart().startsWith('{')) return this.recipe(text);
    const { value } = parseYaml(text, '--data');
    await this.named({ name: 'data', data: value, model: '', stages: [] } as unknown as Recipe, resolve('.'));
  }
}

function differing(a: unknown, b: unknown, found: (path: string) => void): void {
  if (typeof a === 'string' && typeof b === 'string' && a !== b) found(a);
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return;
  for (const [key, value] of Object.entries(a)) differing(value, (b as Record<string, unknown>)[key], found);
}

/** Factories by their names; of a search also those among the values it tries. */
function usesIn(value: unknown, uses: string[], any = false): void {
  if (any && typeof value === 'string' && /^[\w@./-]+#\w+$/.test(value)) uses.push(value);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (key === 'use' && typeof item === 'string') uses.push(item);
    else usesIn(item, uses, any);
  }
}

/** The files and packages that a task needs. @throws EspalierError `not-found`, `bad-recipe`, `bad-model` */
export async function neededBy(task: Task): Promise<Needed> {
  const collector = new Collector();
  if (task.kind === 'recipe') {
    await collector.recipe(task.file, task.set);
    if (task.common) await collector.take(resolve(task.common.model));
    return collector;
  }
  await collector.add(task.model, '.');
  if (task.kind === 'sensitivity') {
    await collector.data(task.data);
    return collector;
  }
  for (const source of [task.calibrate, task.validate]) {
    if (source === undefined) continue;
    if (isData(source)) await collector.data(source);
    else for (const path of source.split(',')) if (path !== 'sample') await collector.add(path, '.');
  }
  for (const setting of task.inputs) {
    const value = setting.slice(setting.lastIndexOf('=') + 1);
    if (value.endsWith('.npy')) await collector.add(value, '.');
  }
  return collector;
}

/** The folder that holds all of them, and paths from there, with `/`. */
export function rooted(
  files: ReadonlySet<string>,
  folder: string,
): { readonly root: string; readonly paths: string[]; readonly folder: string } {
  const places = [...files].map((file) => dirname(file));
  let root = resolve(folder);
  const inside = (place: string): boolean =>
    !relative(root, place).startsWith('..') && !isAbsolute(relative(root, place));
  while (!places.every(inside)) root = dirname(root);
  const path = (file: string): string => relative(root, file).split(sep).join('/');
  // A folder that is the root has a name of its own below it, so that `..` stays within the bundle.
  return { root, paths: [...files].map(path), folder: path(resolve(folder)) };
}
