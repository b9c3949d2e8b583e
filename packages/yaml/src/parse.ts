import { EspalierError } from '@espalier/core';
import {
  type Document,
  type DocumentOptions,
  isMap,
  LineCounter,
  type Node,
  type ParseOptions,
  parseDocument,
  type SchemaOptions,
} from 'yaml';
import { type Problem, problemsError, type Source } from './source.js';

/** The places in a parsed YAML document. @throws EspalierError `bad-recipe` when it is not YAML */
function yamlSource(document: Document.Parsed, lines: LineCounter, file: string): Source {
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new EspalierError('bad-recipe', `${file}:${line}:${col}: ${error.message.split('\n')[0]}`);
  }
  const offset = (path: readonly (string | number)[], key: boolean): number => {
    const node = document.getIn(path, true) as Node | null | undefined;
    if (key || node == null) {
      const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
      if (isMap(parent)) {
        const pair = parent.items.find((item) => String(item.key) === String(path.at(-1)));
        const start = (pair?.key as Node | undefined)?.range?.[0];
        if (start !== undefined) return start;
      }
      return (parent as Node | null | undefined)?.range?.[0] ?? 0;
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

const mostNested = 100;

/** The first value that is inside itself or nested too deeply, and why that is wrong. */
function tangled(
  value: unknown,
  path: readonly (string | number)[],
  around: Set<object>,
  done: Set<object>,
): Problem | undefined {
  if (value === null || typeof value !== 'object' || done.has(value)) return undefined;
  if (around.has(value)) return { path, message: 'it is an alias of what it stands in: it never ends.' };
  if (path.length > mostNested) return { path, message: `it is nested more than ${mostNested} deep.` };
  around.add(value);
  for (const [key, item] of Object.entries(value)) {
    const found = tangled(item, [...path, Array.isArray(value) ? Number(key) : key], around, done);
    if (found !== undefined) return found;
  }
  around.delete(value);
  done.add(value);
  return undefined;
}

/**
 * Reads YAML: a tree of values, at most 100 deep, in which aliases have an end, and their places.
 *
 * @param options those of the package `yaml`
 * @throws EspalierError `bad-recipe` with file, line and column when it is not YAML, or not a tree
 *
 * @example
 * ```ts
 * import { parseYaml } from '@espalier/yaml';
 *
 * const { value, source } = parseYaml('stages:\n  - epochs: 3\n', 'recipe.yaml');
 * if ((value as { stages: { epochs: number }[] }).stages[0].epochs !== 3) throw new Error('another value');
 * if (source.locate(['stages', 0, 'epochs']) !== 'recipe.yaml:2:13') throw new Error('another place');
 * ```
 */
export function parseYaml(
  text: string,
  file: string,
  options: ParseOptions & DocumentOptions & SchemaOptions = {},
): { value: unknown; source: Source } {
  const lines = new LineCounter();
  let value: unknown;
  let source: Source;
  try {
    const document = parseDocument(text, { ...options, lineCounter: lines, logLevel: 'error' });
    source = yamlSource(document, lines, file);
    value = document.toJS();
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    // Of aliases that name nothing, or very many of them; or the stack, where lists are nested very deeply.
    const what = cause instanceof RangeError ? 'It is nested too deeply.' : `${(cause as Error).message}.`;
    throw new EspalierError('bad-recipe', `${file}: ${what}`, { cause });
  }
  const problem = tangled(value, [], new Set(), new Set());
  if (problem !== undefined) throw problemsError([problem], source);
  return { value, source };
}
