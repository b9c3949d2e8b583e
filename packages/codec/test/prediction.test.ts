import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeFile } from '../src/container/header-write.js';
import { storeTensor } from '../src/encode/choose.js';
import { decode, EspError, encode, type Grid, inspect } from '../src/index.js';
import { createDecoder } from '../src/streaming.js';
import { encodeText } from '../src/text/encode.js';
import { withHeader } from './forge.js';

/** Elements on a predicted grid of one step, by the formula of docs/format.md. */
function onGrid(
  count: number,
  step: number,
  distance: number,
  coefficients: readonly number[],
  level: (i: number) => number,
): Float32Array {
  const order = coefficients.length / distance;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let expected = 0;
    for (let k = order; k > 0; k--) {
      if (i >= k * distance) {
        expected += coefficients[(i % distance) * order + k - 1] * out[i - k * distance];
      }
    }
    out[i] = level(i) * step + expected;
  }
  return out;
}

const artifacts = (values: Float32Array, shape = [values.length]): Parameters<typeof encode>[0] => ({
  weightSpecs: [{ name: 'w', shape, dtype: 'float32' }],
  weightData: values.slice().buffer,
});

const predicting = (step: number, axes: number, distance: number, coefficients: readonly number[]): Grid => ({
  step,
  exponents: Array.from({ length: axes }, () => undefined),
  prediction: { distance, coefficients },
});

describe('a predicted grid', () => {
  test('comes back bit for bit, in every coder, from a stream too', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 8, max: 40 }),
        fc.array(fc.integer({ min: -63, max: 63 }), { minLength: 35, maxLength: 35 }),
        fc.constantFrom('ctx-mix', 'ctx-fast', 'rans'),
        fc.infiniteStream(fc.integer({ min: -9, max: 9 })),
        (distance, order, length, pool, codec, numbers) => {
          // Their magnitudes add up to less than 1 in each lane: nothing grows without bound.
          const coefficients = pool.slice(0, distance * order).map((c) => Math.trunc(c / order) / 64);
          const count = distance * length;
          const values = onGrid(count, 0.25, distance, coefficients, () => Number(numbers.next().value) + 0);
          const grid = predicting(0.25, 2, distance, coefficients);
          const model = artifacts(values, [length, distance]);
          const file = encode(model, { grids: { w: grid }, codecs: [codec as 'rans'] });
          expect(new Uint8Array(decode(file).weightData)).toEqual(new Uint8Array(values.buffer));
          const decoder = createDecoder();
          const arrived = [...file].flatMap((byte) => decoder.write(Uint8Array.of(byte)));
          expect(new Float32Array(arrived[0].data)).toEqual(values);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('comes back behind a tensor that leaves it unaligned, with steps that differ', () => {
    const exponents = [undefined, [0, 4, 8]];
    const levels = Int32Array.from({ length: 90 }, (_, i) => ((i * i) % 7) - 3);
    const values = new Float32Array(90);
    for (let i = 0; i < 90; i++)
      values[i] = levels[i] * 0.5 * 2 ** (i % 3) + (i < 3 ? 0 : 0.75 * values[i - 3]) + 0;
    const grid = { step: 0.5, exponents, prediction: { distance: 3, coefficients: [0.75, 0.75, 0.75] } };
    const file = encode(
      {
        weightSpecs: [
          { name: 'b', shape: [3], dtype: 'bool' },
          { name: 'w', shape: [30, 3], dtype: 'float32' },
        ],
        weightData: [Uint8Array.of(1, 0, 1).buffer, values.slice().buffer],
      },
      { grids: { w: grid }, codecs: ['ctx-fast'] },
    );
    expect(inspect(file).tensors[1].predicted).toEqual({ distance: 3, order: 1 });
    expect(new Float32Array(decode(file).weightData.slice(3))).toEqual(values);
  });

  test('takes a fraction of the bytes for waves, and says so', () => {
    const [times, waves, step] = [256, 8, 2 ** -9];
    const coefficients = Array.from({ length: waves }, (_, w) => [
      Math.round(128 * Math.cos((2 * Math.PI * (3 + 2 * w)) / times)) / 64,
      -1,
    ]).flat();
    const wanted = Float32Array.from({ length: times * waves }, (_, i) =>
      Math.cos((2 * Math.PI * (3 + 2 * (i % waves)) * Math.floor(i / waves)) / times),
    );
    const rounded = wanted.map((v) => Math.round(v / step) * step + 0);
    const plain = encode(artifacts(rounded, [times, waves]));
    // Closed loop: each level is chosen by what a decoder has by then.
    const out = new Float32Array(wanted.length);
    for (let i = 0; i < out.length; i++) {
      const expected =
        coefficients[2 * (i % waves) + 1] * (out[i - 2 * waves] ?? 0) +
        coefficients[2 * (i % waves)] * (out[i - waves] ?? 0);
      out[i] = Math.round((wanted[i] - expected) / step) * step + expected;
    }
    for (let i = 0; i < out.length; i++) expect(Math.abs(out[i] - wanted[i])).toBeLessThan(0.501 * step);
    const file = encode(artifacts(out, [times, waves]), {
      grids: { w: predicting(step, 2, waves, coefficients) },
    });
    expect(file.length).toBeLessThan(0.5 * plain.length);
    const report = inspect(file);
    expect(report.version).toBe('1.1');
    expect(report.tensors[0].predicted).toEqual({ distance: waves, order: 2 });
    expect(inspect(plain).version).toBe('1.0');
    expect(new Uint8Array(decode(file).weightData)).toEqual(new Uint8Array(out.buffer));
  });

  test.each<[string, number[], Grid]>([
    ['does not hold element 1', [1, 0.6, 2, 3], predicting(1, 1, 1, [1])],
    ['does not hold element 2', [1, 2, Number.NaN, 3], predicting(1, 1, 1, [1])],
    ['has coefficient 0.3', [1, 2, 3, 4], predicting(1, 1, 1, [0.3])],
    ['has coefficient 4', [1, 2, 3, 4], predicting(1, 1, 1, [4])],
    ['has a prediction of 3 coefficients for 2 lanes', [1, 2, 3, 4], predicting(1, 1, 2, [1, 1, 1])],
    ['has a prediction of 0 coefficients', [1, 2, 3, 4], predicting(1, 1, 1, [])],
    ['has a prediction of 8 coefficients', [1, 2, 3, 4], predicting(1, 1, 1, [1, 1, 1, 1, 1, 1, 1, 1])],
    ['has 5 coefficients for 4 elements', [1, 2, 3, 4], predicting(1, 1, 5, [1, 1, 1, 1, 1])],
    ['has levels from 0 to 65536', [0, 65536], predicting(1, 1, 1, [0])],
  ])('is refused where it %s', (message, values, grid) => {
    const pack = (): Uint8Array => encode(artifacts(Float32Array.from(values)), { grids: { w: grid } });
    expect(pack).toThrow(message);
    expect(pack).toThrow(EspError);
  });
});

describe('a forged prediction', () => {
  /** A file of ones after a two: each element is the one before it, and the levels are 2, -1, 0, 0, … */
  const ones = encode(artifacts(new Float32Array(4096).map((_, i) => (i > 0 ? 1 : 2))), {
    grids: { w: predicting(1, 1, 1, [1]) },
  });

  /** With other bytes for the fields from the flags on. */
  function forged(change: (header: number[], flags: number) => void): Uint8Array {
    const { headerBytes } = inspect(ones);
    const header = [...ones.subarray(0, headerBytes)];
    // Flags of order 1, N = 1, P = 2, step 1, distance 1, and the length of the coefficients.
    const at = header.findIndex(
      (byte, i) => (byte & 0xe7) === 0x20 && header.slice(i + 1, i + 8).join() === '1,2,0,0,128,63,1',
    );
    change(header, at);
    return withHeader(ones, header);
  }

  test('is decoded where nothing was changed', () => {
    expect([...new Float32Array(decode(forged(() => {})).weightData).subarray(0, 3)]).toEqual([2, 1, 1]);
  });

  test.each<[string, number, (header: number[], flags: number) => void]>([
    ['no lanes', 43, (header, at) => header.splice(at + 7, 1, 0)],
    ['more coefficients than elements', 43, (header, at) => header.splice(at + 7, 1, 129, 32)],
    ['a list of values', 15, (header, at) => header.splice(at, 1, header[at] | 1)],
  ])('with %s breaks rule %s', (_, rule, change) => {
    expect(() => decode(forged(change))).toThrow(`broken rule ${rule} `);
  });

  test('whose elements grow without bound breaks rule 63', () => {
    const count = 600;
    const levels = new Int32Array(count).fill(1);
    const tensor = storeTensor(
      { name: 'w', shape: [count], dtype: 'float32' },
      0,
      new Uint8Array(Float32Array.from({ length: count }, (_, i) => Math.sin(i)).buffer),
      { effort: 0, more: () => true, prefer: 'size', codecs: ['ctx-fast'], tileElements: Infinity },
      {
        book: {
          kind: 'step',
          negative: 0,
          positive: 1,
          base: 1,
          values: new Uint32Array(0),
          scales: [],
          predictor: { lag: 1, terms: Int16Array.of(255) },
        },
        levels,
        nonzero: count,
      },
    );
    expect(tensor.codec).toBe('ctx-fast');
    const text = new TextEncoder().encode('[{},"w"]');
    expect(() => decode(writeFile([tensor], encodeText(text)))).toThrow('broken rule 63 ');
  });
});
