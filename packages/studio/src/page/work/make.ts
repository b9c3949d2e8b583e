import { encode } from '@espalier/codec';
import {
  type Compressed,
  type CompressedWeights,
  compress,
  compressWeights,
  type Tried,
} from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import type { OpenModel } from './open.js';

/** What is wanted of a file: the same bits; outputs so many dB from the original's; so many bytes at most. */
export type Wish = 'same' | { readonly quality: number } | { readonly size: number };

/** As the command's options. */
export interface MakeOptions {
  readonly wish: Wish;
  /** Processor time, in seconds; Infinity: the same file on each machine. */
  readonly seconds: number;
  /** What black and white are for the model. */
  readonly range: readonly [number, number];
  readonly onTrial: (trial: Tried) => void;
  readonly log: (line: string) => void;
}

/** A file that was made. */
export interface Made {
  readonly wish: Wish;
  /** As the browser holds it: nobody's memory is copied when it is handed on. */
  readonly file: Blob;
  /** In dB; absent where every bit is the same. */
  readonly quality?: number;
  /** What the quality was measured on. */
  readonly measuredOn: string;
  readonly lossless: boolean;
  readonly met: boolean;
  readonly notes: readonly string[];
}

/** How the command makes inputs up. */
const sample = { count: 48, length: 48, seed: 1 } as const;

/** Packs a model as the command line does, with the same options to the same bytes. */
export async function make(model: OpenModel, options: MakeOptions): Promise<Made> {
  const { artifacts, kind } = model;
  const { wish, seconds, range, onTrial, log } = options;
  if (wish === 'same') {
    const file = encode(artifacts, { effort: 6 });
    return { wish, file: blobOf(file), lossless: true, met: true, measuredOn: 'all bits', notes: [] };
  }
  if (kind === 'weights') {
    return madeOf(wish, await compressWeights(artifacts, { ...wish, onTrial, log }), []);
  }
  try {
    const asked = { ...wish, sample: { ...sample, range }, seconds, onTrial, log };
    return madeOf(wish, await compress(artifacts, asked), []);
  } catch (error) {
    if (!(error instanceof EspalierError) || error.code !== 'cannot-run') throw error;
    const [reason] = error.message.split('\n');
    const note = `${reason} Its weights were compressed by themselves.`;
    return madeOf(wish, await compressWeights(artifacts, { ...wish, onTrial, log }), [note]);
  }
}

const blobOf = (file: Uint8Array): Blob =>
  new Blob([file as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' });

function madeOf(wish: Wish, result: Compressed | CompressedWeights, notes: readonly string[]): Made {
  const alone = 'snr' in result;
  const quality = alone ? result.snr : result.fidelity.psnr;
  return {
    wish,
    file: blobOf(result.file),
    ...(Number.isFinite(quality) && { quality }),
    measuredOn: alone ? 'the weights themselves' : result.measuredOn,
    lossless: result.lossless,
    met: result.met,
    notes,
  };
}
