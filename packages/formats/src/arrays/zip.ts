import { EspalierError } from '@espalier/core';
import { ZipError, type ZipMember, zipMembers } from '@espalier/host';

/** Deflate makes a thousandth at best. */
const mostRatio = 1100;
const mostBytes = 2 ** 31 - 1;

/**
 * Files of a zip archive that are wanted, by their names. What they claim to hold is checked before it is unpacked, and
 * what comes out against what they claim.
 *
 * @throws EspalierError `bad-model`
 */
export async function unzip(
  bytes: Uint8Array,
  file: string,
  wanted: (name: string) => boolean,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const bad = (what: string, cause?: unknown): never => {
    throw new EspalierError('bad-model', `${file} ${what}.`, { cause, remedy: 'Copy or download it anew.' });
  };
  let total = 0;
  const files = new Map<string, Uint8Array>();
  try {
    for await (const member of zipMembers(bytes)) {
      const { name, size, packedSize } = member;
      if (!wanted(name)) continue;
      if (files.has(name)) bad(`has two files named ${name}`);
      total += size;
      if (size > mostRatio * (packedSize + 64) || total > mostBytes) {
        bad(`claims to hold ${size} bytes in ${name}, more than fit`);
      }
      files.set(name, await whole(member));
    }
  } catch (cause) {
    if (!(cause instanceof ZipError)) throw cause;
    return bad(`is a damaged zip archive (${cause.message})`, cause);
  }
  return files;
}

async function whole(member: ZipMember): Promise<Uint8Array> {
  const bytes = new Uint8Array(member.size);
  let at = 0;
  for await (const chunk of member.read()) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
