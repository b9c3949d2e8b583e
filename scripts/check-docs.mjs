// Checks that everything that packages export is documented: each name has a description, and each function and class is shown in
// an example: one of its own, or another of a comment, a readme or a guide that imports it; errors are thrown, and need none. What
// needs a database, a card or a page is in examples that do not run here. `node scripts/check-docs.mjs`
// prints what lacks something as file:line and exits with 1 if there is any. `--count` prints how many names there are.
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { docExamples } from './lib/doc-examples.mjs';
import { root } from './lib/run.mjs';

/** Names that an example takes from a package of ours, as `package name`. */
function* imported({ code }) {
  for (const statement of ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest).statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const from = statement.moduleSpecifier.text;
    const bindings = statement.importClause?.namedBindings;
    if (bindings && ts.isNamedImports(bindings)) {
      for (const { propertyName, name } of bindings.elements) yield `${from} ${(propertyName ?? name).text}`;
    }
  }
}

/** A package and the files that its `exports` lead to. */
const entriesOf = (name, { exports = {} }) =>
  Object.entries(exports).flatMap(([path, to]) => {
    const source = to?.['espalier-source'];
    return source ? [{ from: `${name}${path.slice(1)}`, file: source }] : [];
  });

/**
 * What lacks a description or an example.
 *
 * @param entries - Files, and by what name each is imported: `{ from, file }`.
 * @param examples - As `docExamples` gives them.
 * @returns how many names there are, and each fault with where it stands
 */
export function undocumented(entries, examples) {
  const shown = new Set(examples.flatMap((example) => [...imported(example)]));
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      customConditions: ['espalier-source'],
      skipLibCheck: true,
      noEmit: true,
    },
  );
  const types = program.getTypeChecker();
  const known = new Map();
  for (const { from, file } of entries) {
    const entry = program.getSourceFile(file);
    const module = entry && types.getSymbolAtLocation(entry);
    for (const exported of module ? types.getExportsOfModule(module) : []) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? types.getAliasedSymbol(exported) : exported;
      const [at] = symbol.declarations ?? [];
      // A class that is handed out as a type is made by other means.
      const type = exported.declarations?.some((one) => ts.isTypeOnlyExportDeclaration(one)) ?? false;
      // Of what another package describes, that one is asked.
      if (!at?.getSourceFile().fileName.startsWith(`${file.slice(0, file.lastIndexOf('/src/'))}/src/`))
        continue;
      const one = known.get(symbol) ?? { symbol, at, name: exported.name, shown: type };
      one.shown ||= shown.has(`${from} ${exported.name}`);
      known.set(symbol, one);
    }
  }
  const faults = [...known.values()].flatMap((one) => {
    const { symbol, at, name } = one;
    const source = at.getSourceFile();
    const { line } = source.getLineAndCharacterOfPosition(at.getStart());
    const where = `${relative(root, source.fileName)}:${line + 1}`;
    const described = symbol.getDocumentationComment(types).length > 0;
    const callable =
      (symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) !== 0 && !/Error$/.test(name);
    const own = symbol.getJsDocTags(types).some((tag) => tag.name === 'example');
    return [
      ...(described ? [] : [`${where}  ${name} has no description`]),
      ...(callable && !own && !one.shown ? [`${where}  ${name} is in no example`] : []),
    ];
  });
  return { names: known.size, faults };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { readFileSync } = await import('node:fs');
  const entries = readdirSync(join(root, 'packages')).flatMap((name) => {
    const folder = join(root, 'packages', name);
    if (!existsSync(join(folder, 'package.json'))) return [];
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return entriesOf(manifest.name, manifest).map(({ from, file }) => ({ from, file: join(folder, file) }));
  });
  const { names, faults } = undocumented(entries, docExamples({ all: true }));
  for (const fault of faults) console.error(fault);
  console.log(
    faults.length === 0
      ? `${names} names are described and shown.`
      : `${faults.length} faults in ${names} names`,
  );
  process.exitCode = faults.length > 0 ? 1 : 0;
}
