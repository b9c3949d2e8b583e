import type { CompressOptions } from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import type { DataAccuracy } from '../pipeline/compress-model.js';

/** Most inputs that are made, and most elements along an axis that takes any size. */
const [mostInputs, mostLength] = [100_000, 65_536];

function wrong(name: string, text: string, remedy: string): EspalierError {
  return new EspalierError('invalid-option', `--${name} is '${text}'.`, { remedy });
}

/** @throws EspalierError `invalid-option` unless it is a number between two others */
export function number(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= low && value <= high) return value;
  const bounds = Number.isFinite(high) ? `a number from ${low} to ${high}` : 'a number';
  throw wrong(name, text, `Give ${bounds}.`);
}

/** @throws EspalierError `invalid-option` unless it is a whole number between two others */
export function whole(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw wrong(name, text, `Give a whole number from ${low} to ${high}.`);
}

const units: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1e3, mb: 1e6, kib: 1024, mib: 1024 ** 2 };

/** Bytes out of `100kB`. */
export function bytes(text: string, option = 'size'): number {
  const [, digits, unit] = /^([\d.]+)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = units[unit?.toLowerCase() ?? '?'];
  const count = Math.floor(Number(digits) * (factor ?? Number.NaN));
  if (count >= 1 && count <= Number.MAX_SAFE_INTEGER) return count;
  throw wrong(option, text, 'Give bytes: 100000, 100kB, 1.5MB.');
}

/** Black and white out of `0..255`. */
export function rangeOf(text: string): [number, number] {
  const [low, high, ...rest] = text
    .split('..')
    .map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const limit = 3e38;
  if (rest.length === 0 && low < high && low >= -limit && high <= limit) return [low, high];
  throw wrong('range', text, 'Give two numbers, the lower one first: 0..255.');
}

type Given = { readonly [option in 'quality' | 'size' | 'bits']?: string | undefined };

/** What is asked for. */
export function goalOf({ quality, size, bits }: Given): Pick<CompressOptions, 'quality' | 'size' | 'bits'> {
  return {
    ...(quality !== undefined && { quality: number('quality', quality, 1, 140) }),
    ...(size !== undefined && { size: bytes(size) }),
    ...(bits !== undefined && { bits: number('bits', bits, 0.01, 32) }),
  };
}

type Measured = Given & {
  readonly [option in 'metric' | 'data' | 'points' | 'aims' | 'validate' | 'update']?: string | undefined;
};

/** Points that may be lost where nobody says how many. */
const usualPoints = 0.5;

/** An accuracy to keep to, where that is the aim. @throws EspalierError `invalid-option` */
export function accuracyOf(given: Measured): DataAccuracy | undefined {
  const { metric, data, points } = given;
  if (metric === undefined) {
    const [option, value] = Object.entries({ data, points }).find(([, own]) => own !== undefined) ?? [];
    if (option === undefined) return undefined;
    throw wrong(option, value as string, 'It goes with --metric accuracy.');
  }
  if (metric !== 'accuracy')
    throw wrong('metric', metric, 'Give accuracy; --quality is the PSNR of the outputs.');
  if (data === undefined) throw wrong('metric', metric, 'Say with --data on which labelled examples.');
  const others = ['quality', 'size', 'bits', 'aims', 'validate', 'update'] as const;
  const other = others.find((name) => given[name] !== undefined);
  if (other) throw wrong(other, given[other] as string, 'Leave it out: --metric says what is kept.');
  return { data, points: points === undefined ? usualPoints : number('points', points, 0, 100) };
}

/** How inputs are made. */
export function calibrationOptions(
  given: {
    readonly [option in 'count' | 'length' | 'range' | 'seed']: string;
  },
): { count: number; length: number; range: [number, number]; seed: number } {
  return {
    count: whole('count', given.count, 1, mostInputs),
    length: whole('length', given.length, 1, mostLength),
    range: rangeOf(given.range),
    seed: whole('seed', given.seed, 0, 2 ** 32 - 1),
  };
}
