import { EspalierError } from '@espalier/core';
import { unzipSync } from 'fflate';

/** Deflate makes a thousandth at best. */
const mostRatio = 1100;
const mostBytes = 2 ** 31 - 1;

/**
 * Files of a zip archive that are wanted, by their names. What they claim to hold is checked before it is unpacked.
 *
 * @throws EspalierError `bad-model`
 */
export function unzip(
  bytes: Uint8Array,
  file: string,
  wanted: (name: string) => boolean,
): ReadonlyMap<string, Uint8Array> {
  const bad = (what: string, cause?: unknown): never => {
    throw new EspalierError('bad-model', `${file} ${what}.`, { cause, remedy: 'Copy or download it anew.' });
  };
  let total = 0;
  const names = new Set<string>();
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (!wanted(name)) return false;
        if (names.has(name)) bad(`has two files named ${name}`);
        names.add(name);
        total += originalSize;
        if (originalSize > mostRatio * (size + 64) || total > mostBytes) {
          bad(`claims to hold ${originalSize} bytes in ${name}, more than fit`);
        }
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    return bad(`is a damaged zip archive (${(cause as Error).message})`, cause);
  }
  return new Map(Object.entries(files));
}
