import { EspalierError } from '@espalier/core';

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const isObject = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deepest nesting: a topology has some 20 levels, and what walks through it calls itself. */
const mostDepth = 500;

/** What no model holds: lists in lists beyond `mostDepth`, numbers beyond doubles. Does not call itself. */
function faultOf(value: unknown): 'deep' | 'infinite' | undefined {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > mostDepth) return 'deep';
    if (level.some((one) => typeof one === 'number' && !Number.isFinite(one))) return 'infinite';
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return undefined;
}

/** The first number of a text of JSON that is infinite as a double, as it is written there, and its line. */
function infiniteIn(text: string): string {
  // Texts first, for what is in them is no number.
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?/g)) {
    if (token[0] === '"' || Number.isFinite(Number(token))) continue;
    return `${token.length > 30 ? `${token.slice(0, 29)}…` : token} in line ${text.slice(0, index).split('\n').length}`;
  }
  return 'a number';
}

/** A value out of the text of a file, as a browser reads it: UTF-8, with a byte-order mark or without; UTF-16 with its mark, as editors write it. @throws EspalierError `bad-model` */
export function parseJson(bytes: Uint8Array, file: string): Json {
  let value: Json;
  const text = new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes);
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new EspalierError('bad-model', `${file} is not JSON: ${(cause as Error).message}`, {
      cause,
      remedy:
        bytes.length === 0
          ? 'It is empty: was it written to the end?'
          : 'Was it written to the end, as UTF-8?',
    });
  }
  const fault = faultOf(value);
  if (fault === 'infinite') {
    throw new EspalierError('bad-model', `${file} holds ${infiniteIn(text)}, which is beyond all numbers.`, {
      remedy: 'Write what was meant; infinities among weights lie in the files of weights.',
    });
  }
  if (fault === 'deep') {
    throw new EspalierError('bad-model', `${file} is nested more than ${mostDepth} deep.`, {
      remedy: 'No model is: it is damaged, or forged.',
    });
  }
  return value;
}
