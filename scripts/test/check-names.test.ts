import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { longFiles, shared, sharedNames } from '../check-names.mjs';
import { root } from '../lib/run.mjs';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'espalier-names-'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** A repository of packages, each with these sources. */
function repository(packages: Record<string, Record<string, string>>): string {
  for (const [name, files] of Object.entries(packages)) {
    const exports = {
      '.': { 'espalier-source': './src/index.ts' },
      ...('more.ts' in files && { './more': { 'espalier-source': './src/more.ts' } }),
      './package.json': './package.json',
    };
    const all = { ...files, '../package.json': JSON.stringify({ name: `@espalier/${name}`, exports }) };
    for (const [path, text] of Object.entries(all)) {
      const file = join(home, 'packages', name, 'src', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
  return home;
}

test('of this repository no name but the known ones means two things, and files are short', () => {
  expect(sharedNames(root, shared)).toEqual([]);
  expect(longFiles(root)).toEqual([]);
});

test('two packages that export one name are told, however they do it', () => {
  const other = {
    'index.ts':
      "export * from './all.js';\nexport const count = 1, size = 2;\nexport type { Thing } from './thing.js';",
    'all.ts': "export { a as make } from './a.js';",
    'a.ts': 'export function a(): void {}',
    'thing.ts': 'export interface Thing {}',
    'more.ts': 'export class Only {}',
  };
  const one = {
    'index.ts':
      "export { make } from './make.js';\nexport enum count {}\nexport class Thing {}\nexport class Only {}",
    'make.ts': 'export const make = 1;',
  };
  const found = ['Only', 'Thing', 'count', 'make'].map(
    (name) => `${name} is exported by one and other, and is not one thing`,
  );
  expect(sharedNames(repository({ one, other }))).toEqual(found);
});

test('a name that is handed on is one thing, from another package or within one', () => {
  const one = {
    'index.ts': "export { type Thing, make as build } from './thing.js';",
    'thing.ts': 'export interface Thing {}\nexport const make = 1;',
    'more.ts': "export { type Thing } from './thing.js';\nexport * from './index.js';",
  };
  const other = { 'index.ts': "export type { Thing, build } from '@espalier/one';" };
  expect(sharedNames(repository({ one, other }))).toEqual([]);
});

test('a name that is no longer shared is no longer known as such', () => {
  const one = { 'index.ts': 'export const a = 1, b = 1;' };
  const other = { 'index.ts': 'export const a = 1;' };
  expect(sharedNames(repository({ one, other }), ['a', 'b', 'c'])).toEqual([
    'b is one thing: take it from the shared',
    'c is exported by nobody: take it from the shared',
  ]);
});

test('files of 251 lines are told, where they are to be short', () => {
  const long = { 'index.ts': '', 'a/b.ts': 'export {};\n'.repeat(251), 'c.ts': 'export {};\n'.repeat(250) };
  expect(longFiles(repository({ runner: long, others: long }))).toEqual([
    'packages/runner/src/a/b.ts has 251 lines; 250 are the most',
  ]);
});
