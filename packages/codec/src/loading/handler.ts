import type { DecodedArtifacts } from '../artifacts.js';
import { decode } from '../decode/decode.js';
import { checkOptions, download, isBytes, type LoadOptions } from './download.js';

/** A `tf.io.IOHandler` that loads. */
export interface EspalierHandler {
  load(): Promise<DecodedArtifacts>;
}

/**
 * A `tf.io.IOHandler` for an `.esp` file: its bytes, or where to fetch them.
 *
 * @throws EspError from `load`: 'fetch' when the file cannot be had, else as `decode`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { encode, espalier } from '@espalier/codec';
 * import * as tf from '@tensorflow/tfjs-layers';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
 * let file: Uint8Array = new Uint8Array();
 * await model.save({
 *   save: async (artifacts) => {
 *     file = encode(artifacts);
 *     return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
 *   },
 * });
 * const loaded = await tf.loadLayersModel(espalier(file));
 * if (loaded.countParams() !== 8) throw new Error('another model');
 * ```
 */
export function espalier(
  source: ArrayBuffer | ArrayBufferView | string | URL | Request,
  options: LoadOptions = {},
): EspalierHandler {
  checkOptions(options);
  if (isBytes(source)) return { load: async () => decode(source, options.limits) };
  return { load: async () => decode(await (await download(source, options)).arrayBuffer(), options.limits) };
}
