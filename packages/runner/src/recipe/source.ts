import { EspalierError } from '@espalier/core';
import { type Document, isMap, LineCounter, type Node, parseDocument } from 'yaml';
import type { Problem } from './check.js';

/** Where in a file the parts of a recipe stand, for messages. */
export interface Source {
  readonly file: string;
  /** `file:line:column` of a value or key. */
  locate(path: readonly (string | number)[], key?: boolean): string;
}

/** The places in a parsed YAML document. @throws EspalierError `bad-recipe` when it is not YAML */
export function yamlSource(document: Document.Parsed, lines: LineCounter, file: string): Source {
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new EspalierError('bad-recipe', `${file}:${line}:${col}: ${error.message.split('\n')[0]}`);
  }
  const offset = (path: readonly (string | number)[], key: boolean): number => {
    const node = document.getIn(path, true) as Node | undefined;
    if (key || node === undefined) {
      const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
      if (isMap(parent)) {
        const pair = parent.items.find((item) => String(item.key) === String(path.at(-1)));
        const start = (pair?.key as Node | undefined)?.range?.[0];
        if (start !== undefined) return start;
      }
      return (parent as Node | undefined)?.range?.[0] ?? 0;
    }
    return node.range?.[0] ?? 0;
  };
  return {
    file,
    locate(path, key = false) {
      const { line, col } = lines.linePos(offset(path, key));
      return `${file}:${line}:${col}`;
    },
  };
}

/** Reads YAML. @throws EspalierError `bad-recipe` with file, line and column when it is not YAML. */
export function parseYaml(text: string, file: string): { value: unknown; source: Source } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const source = yamlSource(document, lines, file);
  return { value: document.toJS() as unknown, source };
}

/** A source without lines: a recipe made in TypeScript, or changed on the command line. */
export function plainSource(file: string): Source {
  return { file, locate: (path) => `${file}: ${path.join('.') || 'recipe'}` };
}

/** One error that lists every problem, each with its place. */
export function problemsError(problems: readonly Problem[], source: Source): EspalierError {
  const lines = problems.map(({ path, message, key }) => {
    return `${source.locate(path, key)}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`;
  });
  return new EspalierError('bad-recipe', lines.join('\n'));
}
