import { gzipSync } from 'fflate';

type Callback = (error: Error | null, result: Uint8Array) => void;

export const constants = {
  BROTLI_PARAM_QUALITY: 'quality',
  BROTLI_PARAM_LGWIN: 'window',
  BROTLI_PARAM_SIZE_HINT: 'hint',
} as const;

/** Deflate at the same level as zlib's; other matches may be found. */
export function gzip(bytes: Uint8Array, { level }: { level: number }, done: Callback): void {
  done(null, gzipSync(bytes, { level: level as 6 | 9 }));
}

/** Brotli itself, with its usual window. */
export function brotliCompress(
  bytes: Uint8Array,
  { params }: { params: { readonly quality: number } },
  done: Callback,
): void {
  import('brotli-wasm')
    .then(({ default: ready }) => ready)
    .then(({ compress }) => done(null, compress(bytes, { quality: params.quality })))
    .catch((error: Error) => done(error, bytes));
}
