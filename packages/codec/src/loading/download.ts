import type { Limits } from '../container/limits.js';
import { checkName, fail } from '../errors.js';

/** How {@link espalier} gets and checks the file. */
export interface LoadOptions {
  /** Passed to `fetch`: headers, credentials, an AbortSignal. */
  requestInit?: RequestInit;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** See {@link Limits}. */
  limits?: Limits;
}

/** Fails at an option that is none of {@link LoadOptions}, nor of `more`. */
export function checkOptions(options: LoadOptions, ...more: string[]): void {
  for (const name of Object.keys(options)) {
    checkName('option', name, ['requestInit', 'fetch', 'limits', ...more]);
  }
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
