import { join, parse } from 'node:path';
import { EspalierError } from '@espalier/core';
import { formatBytes, formatTable } from '@espalier/report';
import type { CompressUse } from '../pipeline/compress-once.js';
import { showProgress } from '../terminal/progress.js';
import { print } from '../terminal/stream.js';
import { compressToAims } from '../trials/several.js';
import { shownSpan, spanOf } from '../trials/span.js';
import { printJson, startNamed } from './common.js';
import { number } from './compress-options.js';
import { crewOf, threadsOf } from './crew-options.js';
import { stoppable } from './stopping.js';

/** That an aim, or one of several, was not reached. */
export function notMet(what: string, bySize: boolean): EspalierError {
  return new EspalierError('not-met', what, {
    remedy: bySize ? 'Allow more bytes.' : 'Ask for less quality, or say with --peak what the outputs span.',
  });
}

type Given = Parameters<typeof crewOf>[0] & {
  readonly out: string;
  readonly backend: string;
  readonly json: boolean;
};

/** Qualities in dB out of `30,40,50`. @throws EspalierError `invalid-option` */
export function aimsOf(text: string, other: object): number[] {
  const [option] = Object.keys(other);
  if (option !== undefined) {
    throw new EspalierError('invalid-option', `--aims and --${option} are both aims.`, {
      remedy: 'Leave one out.',
    });
  }
  const aims = text.split(',').map((one) => number('aims', one, 1, 140));
  const twice = aims.find((one, i) => aims.indexOf(one) < i);
  if (twice === undefined) return aims;
  throw new EspalierError('invalid-option', `--aims has ${twice} twice.`, { remedy: 'Name each aim once.' });
}

/** The file of one of several aims: `model-40dB.esp` of `model.esp`. */
const fileOf = (out: string, quality: number): string => {
  const { dir, name, ext } = parse(out);
  return join(dir, `${name}-${quality}dB${ext || '.esp'}`);
};

/** Compresses to each of several qualities, each a trial of its own. */
export async function severalAims(
  given: Given,
  use: Omit<CompressUse, 'aim'>,
  aims: readonly number[],
): Promise<void> {
  const listener = showProgress(process.stderr);
  const rows = await stoppable(
    async (signal) => {
      const backend = await startNamed(given.backend, () => {}, { threads: threadsOf(given) });
      const crew = await crewOf(given, { backend, listener, signal, name: 'compress' });
      try {
        return await compressToAims(use, aims, { crew, out: (quality) => fileOf(given.out, quality) });
      } finally {
        await crew.close();
      }
    },
    { goOn: 'Nothing is kept of aims that were not done.' },
  );
  if (given.json) printJson({ aims: rows, bytes: spanOf(rows.map(({ bytes }) => bytes)) });
  else {
    const lines = rows.map((row) => [
      `${row.aim} dB`,
      row.lossless ? 'without loss' : `${('snr' in row ? row.snr : row.fidelity.psnr).toFixed(2)} dB`,
      String(row.bytes),
      row.out,
    ]);
    const span = spanOf(rows.map(({ bytes }) => bytes));
    print(`${formatTable([['aim', 'measured', 'bytes', 'file'], ...lines])}\n`);
    print(`\nmedian ${shownSpan(span, formatBytes)}\n`);
  }
  const missed = rows.filter(({ met }) => !met).map(({ aim }) => `${aim} dB`);
  if (missed.length > 0) throw notMet(`Not reached: ${missed.join(', ')}.`, false);
}
