// Checks what reads well: no two packages export one name for two things, and files of some packages stay short.
// `node scripts/check-names.mjs` prints what does not and exits with 1.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** Names that still stand for two things. Whoever gives one of them another name takes it away. */
export const shared = [];

/** Packages of which no file is longer than `mostLines`. */
const short = new Set(
  'backend bayesian-layers codec compress core datasets distiller espalier figures fleet formats host inspection metrics photographs priors-gmm pruners pruners-structured quantize-kmeans rate regularizers report runner sensitivity studio yaml'.split(
    ' ',
  ),
);
const mostLines = 250;

const parse = (path) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, false);

const read = new Map();

/** What a module exports: names, each with where it is from. Another package's are its own, whoever hands them on. */
function exportsOf(path) {
  const known = read.get(path);
  if (known !== undefined) return known;
  const names = new Map();
  read.set(path, names);
  for (const node of parse(path).statements) {
    if (ts.isExportDeclaration(node)) {
      const from = node.moduleSpecifier?.text;
      const file = from?.startsWith('.') ? join(dirname(path), from.replace(/\.js$/, '.ts')) : undefined;
      if (node.exportClause === undefined) {
        if (file !== undefined) for (const [name, origin] of exportsOf(file)) names.set(name, origin);
        continue;
      }
      if (ts.isNamespaceExport(node.exportClause)) {
        names.set(node.exportClause.name.text, path);
        continue;
      }
      for (const { name, propertyName } of node.exportClause.elements) {
        const own = (propertyName ?? name).text;
        const origin =
          from === undefined
            ? `${path}#${own}`
            : file === undefined
              ? `${from}#${own}`
              : (exportsOf(file).get(own) ?? `${file}#${own}`);
        names.set(name.text, origin);
      }
    } else if (node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) {
      const declared = ts.isVariableStatement(node) ? node.declarationList.declarations : [node];
      for (const { name } of declared) if (name !== undefined) names.set(name.text, `${path}#${name.text}`);
    }
  }
  return names;
}

/** The sources of a package's entries, of which the first is the main one. */
function entriesOf(home) {
  const { exports = {} } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  return Object.values(exports)
    .map((entry) => entry['espalier-source'])
    .filter((path) => path !== undefined)
    .map((path) => join(home, path));
}

const packagesOf = (root) =>
  readdirSync(join(root, 'packages')).filter((name) =>
    existsSync(join(root, 'packages', name, 'package.json')),
  );

/** A line for each name that several packages export and that is not one thing; names in `known` must be such. */
export function sharedNames(root, known = []) {
  const main = new Map();
  const all = new Map();
  for (const name of packagesOf(root)) {
    const home = join(root, 'packages', name);
    const entries = entriesOf(home);
    for (const [i, path] of entries.entries()) {
      for (const [exported, origin] of exportsOf(path)) {
        if (i === 0) main.set(`@espalier/${name}#${exported}`, origin);
        if (!all.has(exported)) all.set(exported, new Map());
        all.get(exported).set(name, origin);
      }
    }
  }
  const found = [];
  for (const [exported, by] of [...all].sort()) {
    const things = new Set([...by.values()].map((origin) => main.get(origin) ?? origin));
    if (things.size > 1 && !known.includes(exported)) {
      found.push(`${exported} is exported by ${[...by.keys()].sort().join(' and ')}, and is not one thing`);
    }
    if (things.size <= 1 && known.includes(exported))
      found.push(`${exported} is one thing: take it from the shared`);
  }
  for (const name of known.filter((one) => !all.has(one))) {
    found.push(`${name} is exported by nobody: take it from the shared`);
  }
  return found;
}

/** A line for each file that is longer than it may be. */
export function longFiles(root) {
  const found = [];
  for (const name of packagesOf(root).filter((one) => short.has(one))) {
    const src = join(root, 'packages', name, 'src');
    for (const entry of readdirSync(src, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile() || !/\.[jt]s$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      const lines = readFileSync(path, 'utf8').split('\n').length - 1;
      if (lines > mostLines)
        found.push(
          `${relative(root, path).split(sep).join('/')} has ${lines} lines; ${mostLines} are the most`,
        );
    }
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const found = [...sharedNames(root, shared), ...longFiles(root)];
  for (const line of found) process.stdout.write(`${line}\n`);
  process.stdout.write(
    found.length === 0
      ? `No new name means two things (${shared.length} still do: ${shared.join(', ')}).\n`
      : `${found.length} to mend\n`,
  );
  process.exitCode = found.length === 0 ? 0 : 1;
}
