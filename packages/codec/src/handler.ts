import type { DecodedArtifacts } from './artifacts.js';
import { decode } from './decode.js';
import { fail } from './errors.js';
import { checkName, type Limits } from './limits.js';

/** How {@link espalier} gets and checks the file. */
export interface LoadOptions {
  /** Passed to `fetch`: headers, credentials, an AbortSignal. */
  requestInit?: RequestInit;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** See {@link Limits}. */
  limits?: Limits;
}

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
  for (const name of Object.keys(options)) {
    checkName('option', name, ['requestInit', 'fetch', 'limits']);
  }
  if (isBytes(source)) return { load: async () => decode(source, options.limits) };
  return { load: async () => decode(await (await download(source, options)).arrayBuffer(), options.limits) };
}

/** Whether `source` is bytes, of this realm or another. */
export function isBytes(source: unknown): source is ArrayBuffer | ArrayBufferView {
  return (source as ArrayBuffer).byteLength !== undefined;
}

/** Fetches; anything but success is an EspError. */
export async function download(source: string | URL | Request, options: LoadOptions): Promise<Response> {
  const get = options.fetch ?? globalThis.fetch;
  const where = (source as Request).url ?? source;
  let response: Response;
  try {
    response = await get(source, options.requestInit);
  } catch (error) {
    if (options.requestInit?.signal?.aborted) throw error;
    return fail('fetch', `${where} could not be fetched: ${error}`);
  }
  if (!response.ok) fail('fetch', `${where} could not be fetched: status ${response.status}`);
  return response;
}
