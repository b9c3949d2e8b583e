import type { TensorInfo } from '@tensorflow/tfjs-core';
import { FLAT, grid, type Kernel, type Launcher } from '../dispatch/kernel.js';
import { type Finish, finished, finishSums } from './finish.js';
import { sumMiddle } from './reduce.js';

/**
 * One factor of a product C [m, n] = Σₖ A(m, k) B(k, n) whose elements are looked up, not laid out: a convolution is a
 * product of its filter and of a matrix that nobody writes down. It says where elements are for four neighbouring outer
 * indices (m or n) and one k at a time. WGSL, with names that end in `s`, which differ from place to place.
 */
export interface Operand {
  /** Functions and constants. */
  declarations(): string;
  /** Whether neighbours in k are neighbours in memory, so that neighbouring threads should fetch them. */
  readonly along: 'k' | 'outer';
  /** Along which index four neighbours, from a multiple of 4 on, are one vec4 of the buffer: if they always are. */
  readonly vector: 'k' | 'outer' | undefined;
  /** Statements that prepare what depends on the outer indices `o${s}`, a vec4i. */
  outer(s: string): string;
  /** A `Place`: where the elements at the prepared outer indices and at `k${s}`, an i32, are, and which there are. */
  place(s: string): string;
}

/** A product, and what its source depends on. */
export interface Product {
  readonly name: string;
  readonly a: Operand;
  readonly b: Operand;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** k is taken in steps of so many. */
const DEPTH = 16;
/** Workgroups that keep a large card busy. */
const ENOUGH = 512;
/** The shortest part of k that is worth a workgroup of its own. */
const SHORTEST = 128;

/** How many threads there may be along n: few, because each is a program to compile. Five are slower than eight. */
const ACROSS = [4, 8, 13, 16];

/** Threads along n and m, each with a block of 4 by 4 (`tall`: 8 by 4) elements of C. */
export interface Tile {
  readonly across: number;
  readonly down: number;
  readonly tall: 1 | 2;
}

/** The block of C that a workgroup computes: at most 128 by 64, whose tiles fit into the 16 KiB of every device. */
function tileOf(m: number, n: number): Tile {
  const columns = Math.ceil(n / 64);
  const across = ACROSS.find((threads) => threads * 4 * columns >= n)!; // 50 channels are 13 threads, not 16.
  // Twice the rows per thread halves the traffic of shared memory, where there are rows enough for all.
  if (across > 4 && m * columns >= 128 * ENOUGH) return { across, down: 16, tall: 2 };
  const down = m <= 32 ? 8 : m <= 64 || across > 8 ? 16 : 32;
  return { across, down: Math.max(down, Math.ceil(64 / across)), tall: 1 };
}

/** The statements that fetch an operand's tile into shared memory; prepared outside of the loop over k. */
function loader(
  operand: Operand,
  which: 'a' | 'b',
  outers: number,
  threads: number,
): { before: string; load: string } {
  const quads = outers / 4;
  const rows = quads + 1; // One more, or neighbouring k would lie in the same bank.
  const deep = operand.vector === 'k' ? 4 : 1; // How many k one fetch brings.
  const depths = DEPTH / deep;
  const before: string[] = [];
  const load: string[] = [];
  for (let i = 0; i * threads < quads * depths; i++) {
    const s = `_${which}${i}`;
    const job = `let job${s} = i32(lane) + ${i * threads};`;
    const [k, quad] =
      operand.along === 'k'
        ? [`job${s} % ${depths}`, `job${s} / ${depths}`]
        : [`job${s} / ${quads}`, `job${s} % ${quads}`];
    before.push(
      `${job} let depth${s} = (${k}) * ${deep}; let quad${s} = ${quad};`,
      `let o${s} = vec4i(first_${which} + quad${s} * 4) + vec4i(0, 1, 2, 3);`,
      operand.outer(s),
    );
    const stores = Array.from({ length: deep }, (_, j) => {
      const value = deep === 1 ? `got${s}` : `got${s}[${j}]`;
      return `tile_${which}[(depth${s} + ${j}) * ${rows} + quad${s}] = ${value};`;
    });
    const fetch = `let k${s} = k0 + depth${s}; let got${s} = fetch_${which}(${operand.place(s)}); ${stores.join(' ')}`;
    load.push((i + 1) * threads <= quads * depths ? fetch : `if (job${s} < ${quads * depths}) { ${fetch} }`);
  }
  return { before: before.join('\n'), load: load.join('\n') };
}

/** How elements get from a buffer: four of one k, or (vectors along k) of four k, a column each. */
function fetcher({ vector }: Operand, which: 'a' | 'b', buffer: string): string {
  const get = (i: string): string => {
    if (vector === undefined) return `${buffer}[select(0, place.at.${i}, place.inside.${i})]`;
    const whole = `${buffer}[select(0, place.at.${i} >> 2u, place.inside.${i})]`;
    return `select(vec4f(0.0), ${whole}, vec4<bool>(place.inside.${i}))`;
  };
  const all = ['x', 'y', 'z', 'w'].map(get).join(', ');
  if (vector === 'outer') return `fn fetch_${which}(place: Place) -> vec4f { return ${get('x')}; }`;
  if (vector === 'k')
    return `fn fetch_${which}(place: Place) -> mat4x4f { return transpose(mat4x4f(${all})); }`;
  return `fn fetch_${which}(place: Place) -> vec4f { return select(vec4f(0.0), vec4f(${all}), place.inside); }`;
}

function nameOf({ name, a, b }: Product, { across, down, tall }: Tile, finish: Finish | undefined): string {
  const vectors = `${a.vector ?? 'one'}-${b.vector ?? 'one'}`;
  const ending = finish ? `/${finish.activation}${finish.bias ? '+bias' : ''}` : '';
  return `${name}/${vectors}/${across}x${down}x${tall}${ending}`;
}

function kernelOf(product: Product, tile: Tile, finish: Finish | undefined): Kernel {
  const { a, b } = product;
  const { across, down, tall } = tile;
  const threads = across * down;
  const [rows, columns] = [down * 4 * tall, across * 4];
  const [left, right] = [loader(a, 'a', rows, threads), loader(b, 'b', columns, threads)];
  const strips = Array.from({ length: 4 * tall }, (_, i) => i);
  const step = (i: number): string => `c${i} = fma(vec4f(a${i >> 2}.${'xyzw'[i & 3]}), b, c${i});`;
  return {
    name: nameOf(product, tile, finish),
    writes: ['c'],
    reads: [a.vector ? 'x: vec4f' : 'x', b.vector ? 'y: vec4f' : 'y', ...(finish?.bias ? ['bias'] : [])],
    params: ['m: i32', 'n: i32', 'k: i32', 'part: i32', 'columns: u32'],
    workgroup: [threads, 1, 1],
    declarations: `
var<workgroup> tile_a: array<vec4f, ${DEPTH * (rows / 4 + 1)}>;
var<workgroup> tile_b: array<vec4f, ${DEPTH * (columns / 4 + 1)}>;
struct Place { at: vec4i, inside: vec4<bool> }
${fetcher(a, 'a', 'x')}
${fetcher(b, 'b', 'y')}
fn write_c(m: i32, n: i32, base: i32, value: vec4f) {
  if (m >= p.m) { return; }
  let at = base + m * p.n + n;
  if (n < p.n) { c[at] = ${finished('value.x', 'n', finish)}; }
  if (n + 1 < p.n) { c[at + 1] = ${finished('value.y', 'n + 1', finish)}; }
  if (n + 2 < p.n) { c[at + 2] = ${finished('value.z', 'n + 2', finish)}; }
  if (n + 3 < p.n) { c[at + 3] = ${finished('value.w', 'n + 3', finish)}; }
}
${a.declarations()}
${b.declarations()}`,
    body: `
let first_a = i32(${FLAT}) * ${rows};
if (first_a >= p.m) { return; }
let first_b = i32(group.z % p.columns) * ${columns};
let split = i32(group.z / p.columns);
let end = min(p.k, (split + 1) * p.part);
${left.before}
${right.before}
let down = i32(lane) / ${across};
let across = i32(lane) % ${across};
${strips.map((i) => `var c${i} = vec4f(0.0);`).join('\n')}
for (var k0 = split * p.part; k0 < end; k0 += ${DEPTH}) {
  ${left.load}
  ${right.load}
  workgroupBarrier();
  for (var i = 0; i < ${DEPTH}; i++) {
    let b = tile_b[i * ${columns / 4 + 1} + across];
    let a0 = tile_a[i * ${rows / 4 + 1} + down * ${tall}];
    ${tall === 2 ? `let a1 = tile_a[i * ${rows / 4 + 1} + down * 2 + 1];` : ''}
    ${strips.map(step).join('\n    ')}
  }
  workgroupBarrier();
}
let base = split * p.m * p.n;
${strips.map((i) => `write_c(first_a + down * ${4 * tall} + ${i}, first_b + across * 4, base, c${i});`).join('\n')}`,
  };
}

const kernels = new Map<string, Kernel>();

/** What may be said of a product beside its factors. */
export interface ProductOptions {
  /** What is done to each element of the sum. */
  readonly finish?: Finish | undefined;
  readonly tile?: Tile | undefined;
}

/**
 * The product of two operands that look into the tensors x and y, of the given shape (m · n elements). A long sum of
 * few elements is cut into parts, which are added up in a second program: always in the same order.
 */
export function multiply(
  gpu: Launcher,
  product: Product,
  [x, y]: readonly [TensorInfo, TensorInfo],
  shape: readonly number[],
  { finish, tile = tileOf(product.m, product.n) }: ProductOptions = {},
): TensorInfo {
  const { m, n, k } = product;
  const [width, height] = grid(Math.ceil(m / (tile.down * 4 * tile.tall)));
  const columns = Math.ceil(n / (tile.across * 4));
  const wanted = Math.min(Math.floor(ENOUGH / (width * height * columns)), Math.floor(k / SHORTEST));
  const part = Math.ceil(k / Math.max(1, wanted) / DEPTH) * DEPTH;
  const parts = Math.ceil(k / part);
  const last = parts === 1 ? finish : undefined;
  const key = nameOf(product, tile, last);
  const kernel = kernels.get(key) ?? kernelOf(product, tile, last);
  kernels.set(key, kernel);
  const c = gpu.make(parts === 1 ? shape : [parts, m * n]);
  const tensors = last?.bias ? [c, x, y, last.bias] : [c, x, y];
  gpu.run(kernel, tensors, [m, n, k, part, columns], [width, height, columns * parts]);
  if (parts === 1) return c;
  const few = m * n < 16_384 && !finish;
  const total = few
    ? sumMiddle(gpu, c, [1, parts, m * n], 1, shape)
    : finishSums(gpu, c, [parts, m, n], shape, finish);
  gpu.backend.disposeData(c.dataId);
  return total;
}
