import { formatBytes, formatRatio } from '@espalier/report';
import type { Made, Wish } from '../work/make.js';
import type { Opened } from '../work/worker.js';

/** What the slider goes by. */
export type Aim = 'quality' | 'size';

/** Decibels of outputs, and parts of the size, down to the smallest that may be of use. */
const qualities = [70, 60, 55, 50, 45, 40, 35, 30, 25, 20];
const parts = [2, 3, 4, 6, 8, 10, 12, 16, 20, 25, 32, 40];

/** From the same bits to the smallest file, by what is aimed at. */
export function wishesOf(aim: Aim, { bytes }: Opened): readonly Wish[] {
  if (aim === 'quality') return ['same', ...qualities.map((quality) => ({ quality }))];
  const sizes = parts.map((part) => Number((bytes / part).toPrecision(3)));
  return ['same', ...sizes.filter((size) => size >= 1).map((size) => ({ size: Math.round(size) }))];
}

/** Where the slider stands first: 45 dB, or a tenth of the size. */
export const firstOf = (aim: Aim): number =>
  1 + (aim === 'quality' ? qualities.indexOf(45) : parts.indexOf(10));

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;

/** A wish, told to who chooses it. */
export function inWords(wish: Wish, { kind, bytes }: Opened): string {
  const what = kind === 'weights' ? 'the weights' : 'the outputs';
  if (wish === 'same') return 'the same bits: nothing is lost';
  if ('size' in wish)
    return `at most ${formatBytes(wish.size)}, ${formatRatio(bytes / wish.size)} smaller: ${what} as near as that allows`;
  const { quality } = wish;
  return `at least ${quality} dB: ${what} differ by about ${percent(10 ** (-quality / 20))} of ${kind === 'weights' ? 'their size' : 'what they span'}`;
}

/** What a file is, beside its size. */
export function qualityOf({ quality, measuredOn, met, wish }: Made): string {
  const near = quality === undefined ? 'the same bits' : `${quality.toFixed(1)} dB on ${measuredOn}`;
  if (met) return near;
  return `${near} (${typeof wish === 'object' && 'size' in wish ? 'larger than' : 'not as near as'} asked for)`;
}

/** Of two files for the same wish the later counts. */
export const sameWish = (a: Wish, b: Wish): boolean => JSON.stringify(a) === JSON.stringify(b);
