import { equalBytes } from '../bytes/equal.js';
import { readHeader } from '../container/header.js';
import { unlimited } from '../container/limits.js';
import { artifactsOf } from '../decode/decode.js';
import { checkTiles, decodeTensor } from '../decode/tensor.js';
import { fail } from '../errors.js';
import { sameJson } from '../text/json.js';
import type { Given } from './input.js';

/** @throws EspError 'input' */
export function changed(what: string): never {
  return fail('input', `${what} would not come back as it is; please report this, with the model`);
}

/**
 * Decodes a file, tensor by tensor, and compares it with what it was made from.
 *
 * @throws EspError 'input' where something does not come back as it was
 */
export function checkBack(file: Uint8Array, tensors: readonly Given[], meta: object): void {
  const header = readHeader(file, unlimited);
  const { weightSpecs, ...rest } = artifactsOf(header);
  if (weightSpecs.length !== tensors.length || !sameJson(rest, meta)) changed('the metadata');
  tensors.forEach(({ spec, bytes }, i) => {
    const entry = header.tensors[i];
    const { offset, stored, total, same } = entry;
    const out = new Uint8Array(total);
    const payloads = checkTiles(file.subarray(offset, offset + stored), entry);
    // Those that others repeat have been compared by then.
    decodeTensor(payloads, entry, out, same === undefined ? undefined : tensors[same].bytes, header.coder);
    if (!sameJson(entry.spec, spec) || !equalBytes(out, bytes)) changed(`"${spec.name}"`);
  });
}
