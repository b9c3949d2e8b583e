import { describe, expect, it } from 'vitest';
import { decode, type EncodeOptions, encode, inspect } from '../src/index.js';

/** Repeatable noise in [0, 1). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Without LZ, which takes its time. */
const LEVELS = ['ctx-mix', 'ctx-fast', 'rans'] as const;

const pack = (data: Float32Array, shape: number[], options: EncodeOptions): Uint8Array =>
  encode(
    { weightSpecs: [{ name: 'w', shape, dtype: 'float32' }], weightData: data.slice().buffer },
    { codecs: LEVELS, ...options },
  );

const next = noise(5);
/** Dense levels without structure: no context helps. */
const bell = Float32Array.from(
  { length: 10_000 },
  () => Math.round((next() + next() + next() - 1.5) * 8) * 0.5 + 0,
);
/** Sparse levels whose rows differ: mixing helps. */
const rows = Float32Array.from({ length: 10_000 }, (_, i) =>
  next() < 0.01 + 0.3 * ((i >> 3) % 25 === 0 ? 1 : 0) ? 0.5 : 0,
);

describe('what the encoder takes', () => {
  it('is what decodes faster, when that is hardly larger', () => {
    const balance = pack(bell, [100, 100], {});
    const smallest = pack(bell, [100, 100], { prefer: 'size' });
    expect(inspect(balance).tensors[0].codec).toBe('rans');
    expect(balance.length).toBeLessThan(smallest.length * 1.006);
    expect(smallest.length).toBeLessThanOrEqual(balance.length);
  });

  it('is the smallest where that gains more', () => {
    const [balance] = inspect(pack(rows, [100, 100], {})).tensors;
    expect(balance.codec).toBe('ctx-mix');
    const [fast] = inspect(pack(rows, [100, 100], { codecs: ['ctx-fast'] })).tensors;
    expect(balance.storedBytes).toBeLessThan(fast.storedBytes / 1.005);
  });

  it('depends on the effort only, unless there is a budget', () => {
    expect(pack(rows, [100, 100], { effort: 3 })).toEqual(pack(rows, [100, 100], { effort: 3 }));
    expect(pack(rows, [100, 100], { effort: 9, budgetMs: 1e9 })).toEqual(
      pack(rows, [100, 100], { effort: 9 }),
    );
  });

  it('comes soon with a budget of nothing, and comes back whole', () => {
    const none = pack(rows, [100, 100], { effort: 9, budgetMs: 0 });
    expect(new Uint8Array(decode(none).weightData)).toEqual(new Uint8Array(rows.buffer));
    // One quick form, where effort 9 tries a dozen slow ones.
    expect(inspect(none).tensors[0].codec).toBe('ctx-fast');
    expect(none.length).toBeGreaterThan(pack(rows, [100, 100], { effort: 9 }).length);
    expect(none.length).toBeLessThan(rows.length);
  });

  it('is refused when the options make no sense', () => {
    expect(() => pack(rows, [100, 100], { budgetMs: -1 })).toThrow('budgetMs');
    expect(() => pack(rows, [100, 100], { budgetMs: Number.NaN })).toThrow('budgetMs');
    expect(() => pack(rows, [100, 100], { prefer: 'speed' as 'size' })).toThrow('known balance, size');
  });
});
