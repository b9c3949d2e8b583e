import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';
import { filesBelow } from './stamp.mjs';

/** Fenced blocks of lines, with the words after the fence. */
function* fences(lines) {
  for (let i = 0; i < lines.length; i++) {
    const open = /^\s*```(\S+)(.*)$/.exec(lines[i]);
    if (open === null) continue;
    const from = i + 1;
    do i++;
    while (i < lines.length && !/^\s*```\s*$/.test(lines[i]));
    yield { language: open[1], words: open[2].trim().split(/\s+/), from, to: i };
  }
}

/** `@example` blocks in the doc comments of a source file. */
function* inSource(file, all) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  for (let i = 0; i < lines.length; i++) {
    if (!/^\s*\/\*\*/.test(lines[i])) continue;
    const start = i;
    while (i < lines.length && !lines[i].includes('*/')) i++;
    const comment = lines.slice(start, i).map((line) => line.replace(/^\s*\/?\*+ ?/, ''));
    const example = comment.findIndex((line) => line.startsWith('@example'));
    if (example === -1) continue;
    const rest = comment.slice(example);
    for (const { language, words, from, to } of fences(rest)) {
      if (language !== 'ts' || (!all && words.includes('no-run'))) continue;
      yield { file, line: start + example + from + 1, code: rest.slice(from, to).join('\n') };
    }
  }
}

/** Blocks of a Markdown file that import one of our packages. */
function* inMarkdown(file, all) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  for (const { language, words, from, to } of fences(lines)) {
    const code = lines.slice(from, to).join('\n');
    if (language !== 'ts' || (!all && words.includes('no-run')) || !/from '@espalier\//.test(code)) continue;
    yield { file, line: from + 1, code };
  }
}

const markdownIn = (directory) =>
  existsSync(join(root, directory))
    ? readdirSync(join(root, directory))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(directory, name))
    : [];

/**
 * The examples that must run: every ```ts block after an `@example` tag in the sources, and every ```ts block
 * in the Markdown of the root, docs, its guide and the packages that imports one of our packages; ```ts no-run takes a
 * block out, unless `all` are wanted.
 */
export function docExamples({ all = false } = {}) {
  const sources = readdirSync(join(root, 'packages'))
    .filter((name) => existsSync(join(root, 'packages', name, 'src')))
    .flatMap((name) => filesBelow(`packages/${name}/src`, (path) => path.endsWith('.ts')));
  const readmes = readdirSync(join(root, 'packages')).flatMap((name) => markdownIn(join('packages', name)));
  const markdown = [...markdownIn('.'), ...markdownIn('docs'), ...markdownIn('docs/guide'), ...readmes];
  return [
    ...sources.flatMap((file) => [...inSource(file, all)]),
    ...markdown.flatMap((file) => [...inMarkdown(file, all)]),
  ];
}

/** The file an example is written to: a module of its own, where all packages can be found. */
export const exampleFile = ({ file, line }) =>
  join(root, '.cache', 'doc-examples', `${file.replace(/\W+/g, '-')}-${line}.ts`);

/** Writes all examples out, to be run or type-checked. */
export function writeDocExamples(examples = docExamples()) {
  const folder = join(root, '.cache', 'doc-examples');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const example of examples) writeFileSync(exampleFile(example), `${example.code}\nexport {};\n`);
}
