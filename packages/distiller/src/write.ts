import { Document, isMap, isScalar, isSeq, type Node, YAMLMap, YAMLSeq } from 'yaml';
import type { ImportNote } from './notes.js';

/** Comments before a value of a recipe. */
export const comment: unique symbol = Symbol('comment');

/** A map of a recipe, with lines to stand before it. */
export interface Commented {
  readonly [comment]?: readonly string[];
}

const width = 110;

/** Lines of at most `width` characters; those after the first of an item are indented. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 1 <= width - indent - 2) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(lines.length > 0 && text.startsWith('- ') ? `  ${word}` : word);
    }
  }
  return lines.map((line) => ` ${line}`).join('\n');
}

function plain(document: Document, value: unknown): Node {
  const node = document.createNode(value, { aliasDuplicateObjects: false }) as Node;
  const text = JSON.stringify(value) ?? '';
  const numbers = Array.isArray(value) && value.every((item) => typeof item === 'number');
  if ((isMap(node) || isSeq(node)) && (text.length < 80 || numbers)) node.flow = true;
  if (isMap(node) && node.flow !== true) {
    for (const [i, item] of Object.values(value as object).entries())
      node.items[i].value = plain(document, item);
  }
  return node;
}

/** Maps and lists as YAML shows them best: those that are short and flat on one line. */
function nodeOf(document: Document, value: unknown, depth: number): Node {
  if (Array.isArray(value) && value.some((item) => item !== null && typeof item === 'object')) {
    const sequence = new YAMLSeq(document.schema);
    for (const [i, item] of value.entries()) {
      const node = nodeOf(document, item, depth + 2);
      if (i > 0 && depth <= 2) node.spaceBefore = true;
      sequence.items.push(node);
    }
    return sequence;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return plain(document, value);
  const map = new YAMLMap(document.schema);
  const lines = (value as Commented)[comment] ?? [];
  if (lines.length > 0) map.commentBefore = lines.map((line) => wrap(line, depth)).join('\n');
  for (const [key, item] of Object.entries(value)) {
    const deep = key === 'stages' || key === 'schedules';
    map.items.push(
      document.createPair(key, deep ? nodeOf(document, item, depth + 2) : plain(document, item)),
    );
  }
  return map;
}

const heads: Readonly<Record<ImportNote['kind'], string>> = {
  lost: 'Has no counterpart here',
  changed: 'Done in another way',
  defect: 'Known faults of the schedule or of Distiller',
};

/** The recipe as YAML, what is to be known about it in comments. */
export function writeRecipe(recipe: object, about: readonly string[], notes: readonly ImportNote[]): string {
  const document = new Document(undefined, { version: '1.2' });
  const root = nodeOf(document, recipe, 0) as YAMLMap;
  for (const pair of root.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    if (key === 'stages' || key === 'data') {
      const node = document.createNode(key) as Node;
      node.spaceBefore = true;
      (pair as { key: unknown }).key = node;
    }
  }
  document.contents = root as never;
  const blocks = [about.map((line) => wrap(line, 0)).join('\n')];
  for (const kind of ['lost', 'changed', 'defect'] as const) {
    const own = notes.filter((note) => note.kind === kind);
    if (own.length === 0) continue;
    const lines = own.map(({ at, message }) => {
      const numbers = at.map(lineOf).join(', ');
      return wrap(`- line${at.length > 1 ? 's' : ''} ${numbers}: ${message}`, 0);
    });
    blocks.push([` ${heads[kind]}:`, ...lines].join('\n'));
  }
  const header = blocks.map((block) => block.replace(/^/gm, '#')).join('\n#\n');
  const text = document.toString({ lineWidth: width, singleQuote: true });
  return `${header}\n${text.replace(/\n( *)\[\n([\d.e\s,+-]+)\]/g, numbers)}`;
}

/** A long list of numbers, many on a line. */
function numbers(_: string, indent: string, list: string): string {
  const lines = [''];
  for (const item of list.trim().split(/,\s*/)) {
    const last = lines[lines.length - 1];
    if (indent.length + last.length + item.length > width - 8) lines.push(item);
    else lines[lines.length - 1] = last === '' ? item : `${last}, ${item}`;
  }
  return `\n${indent}[${lines.join(`,\n${indent} `)}]`;
}

const lineOf = (at: string): string => at.split(':').at(-2) ?? at;
