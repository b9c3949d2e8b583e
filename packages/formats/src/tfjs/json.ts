import { EspalierError } from '@espalier/core';

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const isObject = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deepest nesting: a topology has some 20 levels, and what walks through it calls itself. */
const mostDepth = 500;

/** Whether a value is nested more than `mostDepth` deep; does not call itself. */
function isDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > mostDepth) return true;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}

/** A value out of the text of a file, as a browser reads it: UTF-8, with a byte-order mark or without. @throws EspalierError `bad-model` */
export function parseJson(bytes: Uint8Array, file: string): Json {
  let value: Json;
  try {
    value = JSON.parse(new TextDecoder('utf-8').decode(bytes)) as Json;
  } catch (cause) {
    throw new EspalierError('bad-model', `${file} is not JSON: ${(cause as Error).message}`, {
      cause,
      remedy:
        bytes.length === 0
          ? 'It is empty: was it written to the end?'
          : 'Was it written to the end, as UTF-8?',
    });
  }
  if (isDeep(value)) {
    throw new EspalierError('bad-model', `${file} is nested more than ${mostDepth} deep.`, {
      remedy: 'No model is: it is damaged, or forged.',
    });
  }
  return value;
}
