import { createHash } from 'node:crypto';
import type { Examples } from './examples.js';

/** A word for texts and numbers, one after the other. */
export function wordFor(contents: Iterable<string | Uint16Array>): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content);
  return hash.digest('hex');
}

/**
 * A word for the content of examples.
 *
 * @param inputsOf - The bytes of a part's inputs, where they are not in its columns.
 */
export function fingerprintOf(
  parts: Iterable<Examples>,
  inputsOf?: (part: number) => Iterable<Uint8Array>,
): string {
  const hash = createHash('sha256');
  for (const [i, { size, inputs, labels, weights }] of [...parts].entries()) {
    hash.update(`${size}`);
    for (const { name = '', shape, values, classes = [] } of [...inputs, ...labels]) {
      hash.update(JSON.stringify([name, shape, classes]));
      if (values.length === 0 && inputsOf) for (const some of inputsOf(i)) hash.update(some);
      else hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    if (weights) hash.update(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
  }
  return hash.digest('hex');
}
