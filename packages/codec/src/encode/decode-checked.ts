import type { DecodedArtifacts, ModelArtifacts } from '../artifacts.js';
import { equalBytes } from '../bytes/equal.js';
import { unlimited } from '../container/limits.js';
import { decode } from '../decode/decode.js';
import { sameJson } from '../text/json.js';
import { changed } from './check-back.js';
import { metadataOf } from './encode.js';
import { tensorsOf } from './input.js';
import { withDistinctNames } from './named-by-paths.js';

/**
 * Decodes what `encode` made without `verify`, and compares it with what that was given: for who packs a model in several ways,
 * keeps one of the files and needs what is in it. The optimizer's weights may be left out of the file.
 *
 * @throws EspError 'input' where something does not come back as it was; as `decode` for a damaged file
 *
 * @example
 * ```ts
 * import { decodeChecked, encode } from '@espalier/codec';
 * const weightSpecs = [{ name: 'w', shape: [2], dtype: 'float32' as const }];
 * const model = { weightSpecs, weightData: Float32Array.of(1, 2).buffer };
 * const files = [0, 9].map((effort) => encode(model, { effort, verify: false }));
 * const smallest = files.reduce((a, b) => (b.length < a.length ? b : a));
 * if (decodeChecked(smallest, model).weightData.byteLength !== 8) throw new Error('two numbers');
 * ```
 */
export function decodeChecked(file: Uint8Array, artifacts: ModelArtifacts): DecodedArtifacts {
  const given = withDistinctNames(artifacts);
  const all = tensorsOf(given);
  const decoded = decode(file, unlimited);
  const { weightSpecs, weightData, ...meta } = decoded;
  const tensors =
    weightSpecs.length === all.length ? all : all.filter(({ spec }) => spec.group !== 'optimizer');
  if (weightSpecs.length !== tensors.length || !sameJson(meta, metadataOf(given))) changed('the metadata');
  let at = 0;
  tensors.forEach(({ spec, bytes }, i) => {
    const rest = weightData.byteLength - at;
    const own = new Uint8Array(weightData, at, Math.min(rest, bytes.length));
    if (!sameJson(weightSpecs[i], spec) || !equalBytes(own, bytes)) changed(`"${spec.name}"`);
    at += bytes.length;
  });
  return decoded;
}
