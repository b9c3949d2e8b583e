import {
  Bits,
  type Capped,
  Counted,
  capped,
  density,
  golomb,
  Made,
  State as S,
  type State,
  squash,
  stretch,
  tree,
} from './bits.js';

/** Rows of lines of elements, and how far levels go. */
export interface Shape {
  rows: number;
  lines: number;
  width: number;
  negative: number;
  positive: number;
  tuning: number;
}

type Rows = number[][][];
const { sign, abs, min, max } = Math;

/** The neighbours of a place by their names in the format; what is not there is 0. */
function around(
  rows: Rows,
  r: number,
  line: number,
  x: number,
): Record<'W' | 'N' | 'NE' | 'NW' | 'P' | 'WW' | 'NN', number> {
  const at = (row: number, l: number, e: number): number => rows[row]?.[l]?.[e] ?? 0;
  return {
    W: at(r, line, x - 1),
    N: at(r, line - 1, x),
    NE: at(r, line - 1, x + 1),
    NW: at(r, line - 1, x - 1),
    P: at(r - 1, line, x),
    WW: at(r, line, x - 2),
    NN: at(r, line - 2, x),
  };
}

/** Calls `level` at every place in order, and collects what it says. */
function walk(
  { rows, lines, width }: Shape,
  level: (known: Rows, r: number, l: number, x: number) => number,
): number[] {
  const known: Rows = [];
  for (let r = 0; r < rows; r++) {
    known.push([]);
    for (let l = 0; l < lines; l++) {
      known[r].push([]);
      for (let x = 0; x < width; x++) known[r][l].push(level(known, r, l, x));
    }
  }
  return known.flat(2);
}

function magnitude(bits: Bits, top: number, larger: (k: number) => State, rest: Made<Capped>): number {
  let k = 1;
  while (k < top && k <= 14 && larger(k).code(bits)) k++;
  return k === 15 && top > 15 ? 14 + golomb(bits, (place) => rest.at(place)) : k;
}

const start = (tuning: number): number => squash(((tuning & 255) - 128) * 16);
const flags = (...values: number[]): number => values.reduce((sum, v, i) => sum + (v ? 2 ** i : 0), 0);

/** "ctx-fast" */
export function fast(payload: Uint8Array, shape: Shape): number[] {
  const bits = new Bits(payload);
  const first = start(shape.tuning);
  const near = new Made(() => new S(first, 2));
  const signs = new Made(() => new S(32768, 0));
  const larger = new Made(() => new S(32768, 0));
  const rest = capped();
  const densities = new Made(() => ({ d: first }));
  return walk(shape, (known, r, l, x) => {
    const { W, N, NE, NW, P } = around(known, r, l, x);
    const here = densities.at(l, x);
    const significant = near.at(density(here.d >> 4), flags(W, N, P, NE, NW)).code(bits);
    here.d += significant ? (65535 - here.d) >> 6 : -(here.d >> 6);
    if (!significant) return 0;
    const both = shape.negative > 0 && shape.positive > 0;
    const minus = both
      ? signs.at(27 * sign(W) + 9 * sign(N) + 3 * sign(P) + sign(NE)).code(bits)
      : Number(shape.positive === 0);
    const k = magnitude(bits, minus ? shape.negative : shape.positive, (m) => larger.at(m), rest);
    return minus ? -k : k;
  });
}

/** Inputs and weights to a probability; `learn` moves the weights by an error. */
function mixed(weights: number[], inputs: number[]): number {
  const dot = inputs.reduce((sum, x, i) => (sum + Math.imul(weights[i], x)) | 0, 0) >> 16;
  return squash(max(-2128, min(2128, dot)));
}

/** "ctx-mix" */
export function mix(payload: Uint8Array, shape: Shape): number[] {
  const bits = new Bits(payload);
  const first = start(shape.tuning);
  const rate = shape.tuning >> 8;
  const seeded = (): Made<State> => new Made(() => new S(first, 2));
  const fresh = (): Made<State> => new Made(() => new S(32768, 0));
  const [nears, arounds, bySigns] = [seeded(), seeded(), seeded()];
  const columns = new Made(() => new Counted(first));
  const weights = new Made(() => Array<number>(7).fill(13000));
  const quiet = Array<number>(5).fill(13000);
  const [bySum, byFour, byPlace, larger] = [fresh(), fresh(), fresh(), fresh()];
  const signWeights = Array<number>(3).fill(26000);
  const rest = capped();
  let slices = new Made(() => new Counted(first));
  let row = new Counted(first);
  return walk(shape, (known, r, l, x) => {
    if (l === 0 && x === 0) {
      slices = new Made(() => new Counted(first));
      row = new Counted(first);
    }
    const { W, N, NE, NW, P, WW, NN } = around(known, r, l, x);
    const [w, n, e, nw, p, ww, nn] = [W, N, NE, NW, P, WW, NN].map((v) => (v ? 1 : 0));
    const count = 2 * (w + n) + e + nw + ww + nn;
    const four = 27 * sign(W) + 9 * sign(N) + 3 * sign(P) + sign(NE);
    const [column, slice] = [columns.at(l, x), slices.at(x)];
    const near = nears.at(density(column.p12), flags(W, N, P, NE, NW));
    const calm = count === 0 && p === 0;
    const own = calm ? [near] : [near, arounds.at(count, density(row.p12)), bySigns.at(four)];
    const set = calm ? quiet : weights.at(w + n + p + e);
    const inputs = [
      ...own.map((state) => stretch(state.p >> 10)),
      ...[column, slice, row].map((c) => stretch(c.p12)),
      512,
    ];
    const p16 = mixed(set, inputs);
    const bit = bits.bit(p16);
    const error = (65536 * bit - p16) * 2 ** (3 - rate);
    inputs.forEach((input, i) => {
      set[i] += (Math.imul(error, input) + 262144) >> 19;
    });
    for (const state of own) state.learn(bit);
    column.learn(bit, r);
    slice.learn(bit, l);
    row.learn(bit, l * shape.width + x);
    if (!bit) return 0;
    let minus = Number(shape.positive === 0);
    if (shape.negative > 0 && shape.positive > 0) {
      const sum = 2 * (sign(W) + sign(N)) + sign(NE) + sign(P) + sign(NW) + sign(WW) + sign(NN);
      const states = [bySum.at(sum), byFour.at(four), byPlace.at(l, x)];
      const stretched = states.map((state) => stretch(state.p >> 10));
      const chance = mixed(signWeights, stretched);
      minus = bits.bit(chance);
      stretched.forEach((input, i) => {
        signWeights[i] += (Math.imul(65536 * minus - chance, input) + 32768) >> 16;
      });
      for (const state of states) state.learn(minus);
    }
    const largest = min(7, max(abs(W), abs(N), abs(P)));
    const k = magnitude(bits, minus ? shape.negative : shape.positive, (m) => larger.at(largest, m), rest);
    return minus ? -k : k;
  });
}

/** Unsigned LEB128. */
export function varint(bytes: Uint8Array, at: { position: number }): number {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at.position++];
    value += (byte % 128) * factor;
    if (byte < 128) return value;
  }
}

/** "rans" */
export function rans(payload: Uint8Array, { rows, lines, width, negative, positive }: Shape): number[] {
  const at = { position: 0 };
  const frequencies = Array.from({ length: negative + 1 + positive }, () => varint(payload, at));
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let [a, b] = [view.getUint32(at.position, true), view.getUint32(at.position + 4, true)];
  at.position += 8;
  return Array.from({ length: rows * lines * width }, () => {
    const slot = a % 4096;
    let [symbol, below] = [0, 0];
    while (below + frequencies[symbol] <= slot) below += frequencies[symbol++];
    let x = frequencies[symbol] * Math.floor(a / 4096) + slot - below;
    if (x < 2 ** 15) {
      x = x * 2 ** 16 + view.getUint16(at.position, true);
      at.position += 2;
    }
    [a, b] = [b, x];
    return symbol - negative;
  });
}

/** "planes" */
export function planes(payload: Uint8Array, length: number, itemBytes: number, turned: boolean): Uint8Array {
  const modes = payload.subarray(0, itemBytes);
  const items = length / itemBytes;
  let position = itemBytes;
  const parts: Uint8Array[] = [];
  modes.forEach((mode, plane) => {
    if (mode === 0) {
      parts[plane] = payload.subarray(position, position + items);
      position += items;
    }
  });
  const bits = new Bits(payload.subarray(position));
  modes.forEach((mode, plane) => {
    const states = capped();
    if (mode === 1)
      parts[plane] = Uint8Array.from({ length: items }, () => tree(bits, 8, (node) => states.at(node)));
  });
  const out = Uint8Array.from({ length }, (_, i) => parts[i % itemBytes][Math.floor(i / itemBytes)]);
  if (!turned) return out;
  const view = new DataView(out.buffer);
  for (let i = 0; i < length; i += 4) {
    const word = view.getUint32(i, true);
    view.setUint32(i, Math.floor(word / 2) + (word % 2) * 2 ** 31, true);
  }
  return out;
}

/** "lz": what follows `known`; `second`: in the text's second form. */
export function lz(
  payload: Uint8Array,
  length: number,
  itemBytes: number,
  known: ArrayLike<number> = [],
  second = false,
): Uint8Array {
  const bits = new Bits(payload);
  const states = capped();
  const out = Array.from(known);
  const end = out.length + length;
  let copied = 0;
  let last = 0;
  let recent: number[] = [];
  while (out.length < end) {
    const place = out.length % itemBytes;
    if (states.at('kind', place, copied).code(bits)) {
      const which = copied;
      const again = second
        ? tree(bits, 4, (node) => states.at('which', which, node))
        : states.at('again', copied).code(bits);
      const some = min(again, 1);
      const size = second
        ? tree(bits, 12, (node) => states.at('length', some, node)) + 2
        : golomb(bits, (k) => states.at('length', some, k)) + 1;
      if (again) last = recent[again - 1];
      else last = golomb(bits, (k) => states.at('distance', min(size - 2, 2), k));
      recent = [last, ...recent.filter((_, k) => k !== again - 1)];
      for (let k = 0; k < size; k++) out.push(out[out.length - last]);
      copied = 1;
    } else {
      const table = itemBytes === 1 ? (out.at(-1) ?? 0) >> 5 : place;
      const literals = copied;
      out.push(tree(bits, 8, (node) => states.at('literal', table, literals, node)));
      copied = 0;
    }
  }
  return Uint8Array.from(out.slice(end - length));
}
