import { Document, Scalar } from 'yaml';
import type { Recipe } from './schema.js';

/** What a value of a recipe is in YAML: a function is its text, tagged as code; nothing is left out without a word. */
function nodeOf(value: unknown, path: string, code: string[]): unknown {
  if (typeof value === 'function') {
    code.push(path);
    const scalar = new Scalar(String(value));
    scalar.tag = '!code';
    return scalar;
  }
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  const inside = (key: string | number, item: unknown): unknown =>
    nodeOf(item, path === '' ? String(key) : `${path}.${key}`, code);
  if (Array.isArray(value)) return value.map((item, i) => inside(i, item));
  if (typeof value !== 'object' || value === null) return value;
  if ('toJSON' in value && typeof value.toJSON === 'function') return nodeOf(value.toJSON(), path, code);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, inside(key, item)]),
  );
}

/** A recipe as YAML. What was code in it is named at the top, and stands in its place as text that YAML cannot run. */
export function recipeText(recipe: Recipe): string {
  const code: string[] = [];
  const document = new Document(nodeOf(recipe, '', code), { aliasDuplicateObjects: false });
  if (code.length > 0) {
    document.commentBefore = ` Code, so this file alone does not run again: ${code.join(', ')}.`;
  }
  return document.toString();
}

/** Is a recipe's file a program? */
export const isProgram = (file: string): boolean => /\.[cm]?[jt]s$/.test(file);
