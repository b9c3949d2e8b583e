import { createHash } from 'node:crypto';
import type { Examples } from './examples.js';

/** A word for texts and numbers, one after the other. */
export function wordFor(contents: Iterable<string | Uint16Array>): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content);
  return hash.digest('hex');
}

/** A word for the content of examples. */
export function fingerprintOf(parts: Iterable<Examples>): string {
  const hash = createHash('sha256');
  for (const { size, inputs, labels, weights } of parts) {
    hash.update(`${size}`);
    for (const { name = '', shape, values, classes = [] } of [...inputs, ...labels]) {
      hash.update(JSON.stringify([name, shape, classes]));
      hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    if (weights) hash.update(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
  }
  return hash.digest('hex');
}
