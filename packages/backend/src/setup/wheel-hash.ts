import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BackendError } from '../error.js';

/** SHA-256 of the wheels that are fetched by name: code in them is run, so they are taken from nobody else. */
const pinned: Readonly<Record<string, string>> = {
  'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl':
    '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
};

/** What makes pip fetch a wheel whose hash is known, whatever Python it runs on: the library does not depend on Python. */
export const pinnedTags: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['--python-version', '3.11', '--platform', 'manylinux_2_27_x86_64'],
};

/** Whether a wheel is one whose hash is known, and has it: `true`, or its SHA-256 where there is nothing to compare it with. */
export async function checkWheel(
  wheel: string,
  known: Readonly<Record<string, string>> = pinned,
): Promise<true | string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(wheel, { highWaterMark: 1 << 20 }), hash);
  const found = hash.digest('hex');
  const name = basename(wheel);
  if (!Object.hasOwn(known, name)) return found;
  if (known[name] === found) return true;
  throw new BackendError(
    'download-failed',
    `${name} has the SHA-256 ${found}, not ${known[name]}`,
    'It is not the wheel that it says it is, and is not used. Run the set-up again; if that helps not, look where pip fetches from.',
  );
}
