import { EspalierError, randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Examples, InputSpec } from '../model/model.js';
import { rowsFor } from './batches.js';
import { deadLeaves } from './dead-leaves.js';
import { paintFace } from './faces.js';
import { cutPicture, type Picture } from './pictures.js';
import { madeUpSound } from './sounds.js';

/** Options of {@link generateExamples}. */
export interface GenerateOptions {
  /** How many. Default 16; of a model with a fixed batch as many batches as hold them, four at least. */
  readonly count?: number;
  /** Default 1. */
  readonly seed?: number;
  /** What values lie between; default [0, 1] for pictures. */
  readonly range?: readonly [number, number];
  /** For axes that take any size. Default 64. */
  readonly length?: number;
  /**
   * Photographs that three quarters of the pictures are cut from; the last quarter of the examples, which the quality is
   * measured on, from the last third of these alone. Default: none, all pictures are made up.
   */
  readonly pictures?: readonly Picture[];
}

/** Most numbers that are made for one input: 2 GiB. */
const mostNumbers = 2 ** 29;

/** Fewer samples are no sound. */
const leastSound = 4096;

/** `[height, width, 1 or 3]` */
export const isPicture = ({ shape, below }: InputSpec): boolean =>
  below === undefined && shape.length === 4 && (shape[3] === 1 || shape[3] === 3);

const isSound = ({ shape }: InputSpec): boolean =>
  shape[1] >= leastSound && (shape.length === 2 || (shape.length === 3 && shape[2] === 1));

/** What black and white are for an input: of whole numbers 0 and 255, unless `range` leaves room for shades itself. */
export function pixelRange(
  { dtype }: InputSpec,
  range: readonly [number, number],
): readonly [number, number] {
  return dtype === 'int32' && range[1] - range[0] < 100 ? [0, 255] : range;
}

/** Words that texts are made of: of languages, of programs, of neither. */
const words =
  'the of and ist nicht das una por function return { } ( ) ; = 0 1.5 import let x1 zq 你好 é'.split(' ');

const madeUpText = (random: () => number): string =>
  Array.from(
    { length: 8 + Math.floor(random() * 56) },
    () => words[Math.floor(random() * words.length)],
  ).join(' ');

/**
 * Inputs for a model that nobody has inputs for: where it takes pictures, cuts of the `pictures` that are given, discs that cover
 * each other with the statistics of natural pictures, and something like faces; for long signals something like speech and
 * music; for indices into a table any of its rows; for other integers small ones; for texts words in any order; for other floats noise that is smooth along
 * the second axis. Real inputs serve better.
 *
 * @throws EspalierError `cannot-run` for inputs that do not fit into memory
 *
 * @example
 * ```ts
 * import { generateExamples, pixelRange } from '@espalier/compress';
 * const input = { name: 'x', shape: [-1, 8, 8, 3], dtype: 'float32' } as const;
 * const [pictures] = generateExamples([input], { count: 4, range: pixelRange(input, [0, 1]) });
 * if (pictures.shape.join() !== '4,8,8,3') throw new Error(pictures.shape.join());
 * ```
 */
export function generateExamples(inputs: readonly InputSpec[], options: GenerateOptions = {}): Examples {
  const { count: wanted = 16, seed = 1, range = [0, 1], length = 64, pictures = [] } = options;
  const random = randomUniform(seed);
  const rows = rowsFor(inputs, wanted);
  return inputs.map((input, place) => {
    const count = rows[place];
    const { shape, dtype, below } = input;
    const sizes = [count, ...shape.slice(1).map((n) => (n < 0 ? length : n))];
    const each = sizes.slice(1).reduce((a, b) => a * b, 1);
    if (count * each > mostNumbers) {
      throw new EspalierError(
        'cannot-run',
        `Input ${input.name} takes [${shape}]: ${count} examples of [${sizes.slice(1)}] do not fit into memory.`,
        { remedy: 'Give fewer, or shorter ones; compressWeights takes the weights by themselves.' },
      );
    }
    if (dtype === 'string') {
      return tf.tensor(
        Array.from({ length: count * each }, () => madeUpText(random)),
        sizes,
        dtype,
      );
    }
    const values = new Float32Array(count * each);
    const fill = (make: (i: number) => Float32Array): void => {
      for (let i = 0; i < count; i++) values.set(make(i), i * each);
    };
    if (isPicture(input)) {
      const size = sizes.slice(1) as [number, number, number];
      const [low, high] = pixelRange(input, range);
      const shade = (v: number): number => low + v * (high - low);
      fill((i) =>
        pictureOf(i, count, pictures, size, random).map(
          dtype === 'int32' ? (v) => Math.round(shade(v)) : shade,
        ),
      );
    } else if (below !== undefined || dtype === 'int32') {
      for (let i = 0; i < values.length; i++) values[i] = Math.floor(random() * (below ?? 10));
    } else if (dtype === 'bool') {
      for (let i = 0; i < values.length; i++) values[i] = random() < 0.5 ? 1 : 0;
    } else if (isSound(input)) {
      fill(() => madeUpSound(each, random));
    } else addWalks(values, sizes, random);
    return tf.tensor(values, sizes, dtype as 'float32');
  });
}

/** Three cuts of photographs, one that is made up. */
function pictureOf(
  i: number,
  count: number,
  pictures: readonly Picture[],
  size: readonly [number, number, number],
  random: () => number,
): Float32Array {
  const rest = count - Math.floor(count / 4);
  const first = Math.ceil((2 * pictures.length) / 3);
  const [own, at] = i < rest ? [pictures.slice(0, first), i] : [pictures.slice(first), i - rest];
  if (at % 4 !== 3 && own.length > 0) return cutPicture(own[(at - (at >> 2)) % own.length], size, random);
  const picture = deadLeaves(...size, random);
  if ((at >> 2) % 2 === 1) paintFace(picture, size, random);
  return picture;
}

/** Random walks that leak: energy falls with frequency, as in most signals. */
function addWalks(values: Float32Array, sizes: readonly number[], random: () => number): void {
  const inner = sizes.slice(2).reduce((a, b) => a * b, 1);
  for (let i = 0; i < values.length; i++) {
    const noise = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const first = Math.floor(i / inner) % (sizes[1] ?? 1) === 0 || sizes.length < 3;
    values[i] = first ? noise : 0.9 * values[i - inner] + 0.4359 * noise;
  }
}
