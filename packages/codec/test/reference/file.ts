import { createHash } from 'node:crypto';
import { primer } from '../../src/text/primer.js';
import { Bits, capped, tree } from './bits.js';
import { fast, lz, mix, planes, rans, type Shape, varint } from './coders.js';

const types = [
  ['float32', 4],
  ['int32', 4],
  ['bool', 1],
  ['string', 1],
  ['complex64', 8],
  ['float32', 1, 'uint8'],
  ['float32', 2, 'uint16'],
  ['float32', 2, 'float16'],
  ['int32', 1, 'uint8'],
  ['int32', 2, 'uint16'],
] as const;
const quarters = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0];
const floatOf = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0];

/** Reads fields of a file. */
class Fields {
  readonly bytes: Uint8Array;
  readonly at: { position: number };

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.at = { position };
  }

  varint(): number {
    return varint(this.bytes, this.at);
  }

  take(count: number): Uint8Array {
    this.at.position += count;
    return this.bytes.slice(this.at.position - count, this.at.position);
  }

  uint(size: number): number {
    return this.take(size).reduceRight((value, byte) => value * 256 + byte, 0);
  }
}

/** Numbers of so many bits each, coded. */
function numbers(fields: Fields, bits: number, counts: readonly number[]): number[][] {
  const coder = new Bits(fields.take(fields.varint()));
  const states = capped();
  return counts.map((n) => Array.from({ length: n }, () => tree(coder, bits, (node) => states.at(node))));
}

interface Levels extends Shape {
  /** Where the elements lie, in coding order. */
  places: number[];
  /** The bits of an element at a place, by its level and the elements before. */
  element: (level: number, place: number, before: Float32Array) => number;
}

/** "Levels" */
function readLevels(fields: Fields, shape: number[], float: boolean, itemBytes: number): Levels {
  const flags = fields.uint(1);
  const [negative, positive] = [fields.varint(), fields.varint()];
  let element: Levels['element'];
  if (flags & 1) {
    const list = Array.from({ length: negative + 1 + positive }, (_, i) =>
      i === negative && !(flags & 2) ? 0 : fields.uint(itemBytes),
    );
    element = (level) => list[level + negative];
  } else if (float) {
    element = readSteps(fields, shape, flags);
  } else {
    const base = fields.uint(itemBytes);
    element = (level) => base + level;
  }
  const fold = fields.uint(1) - 1;
  const inner = fold >= 0 ? fields.varint() : 0;
  const axes = shape.flatMap((size, axis) => {
    const stride = product(shape.slice(axis + 1));
    return axis === fold
      ? [
          { size: size / inner, stride: stride * inner },
          { size: inner, stride },
        ]
      : [{ size, stride }];
  });
  const order = axes.map(() => fields.uint(1));
  const group = (g: number): { size: number; stride: number }[] =>
    order.filter((code) => code >> 4 === g).map((code) => axes[code & 15]);
  let places = [0];
  for (const { size, stride } of [0, 1, 2].flatMap(group))
    places = places.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * stride));
  const [rows, lines, width] = [0, 1, 2].map((g) => product(group(g).map(({ size }) => size)));
  const tuning = fields.uint(1) + 256 * ((flags >> 3) & 3);
  return { rows, lines, width, negative, positive, tuning, places, element };
}

/** Elements by steps, which may differ along axes, and by a prediction. */
function readSteps(fields: Fields, shape: number[], flags: number): Levels['element'] {
  const step = floatOf(fields.uint(4));
  const which = flags & 4 ? fields.uint(1) : 0;
  const exponents = which
    ? numbers(
        fields,
        7,
        shape.map((size, axis) => ((which >> axis) & 1 ? size : 0)),
      )
    : [];
  const order = flags >> 5;
  const distance = order ? fields.varint() : 1;
  const [differences] = order ? numbers(fields, 9, [order * distance]) : [[]];
  const terms: number[] = [];
  for (const d of differences) terms.push((d + (terms[terms.length - order] ?? 0)) % 512);
  return (level, place, before) => {
    let [e, rest] = [0, place];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      e += exponents[axis]?.[rest % shape[axis]] ?? 0;
      rest = Math.floor(rest / shape[axis]);
    }
    const w = level * (step * quarters[e % 4] * 2 ** Math.floor(e / 4));
    let x = 0;
    for (let k = order; k > 0; k--) {
      const c = terms[(place % distance) * order + k - 1];
      if (place >= k * distance) x += ((c < 256 ? c : c - 512) / 64) * before[place - k * distance];
    }
    return bitsOf(w + x);
  };
}

/** Elements of a tensor of levels, as bytes. */
function elementsOf(levels: Levels, codec: number, tiles: Uint8Array[], itemBytes: number): Uint8Array {
  const { rows, places, element } = levels;
  const coded = tiles.flatMap((payload, t) => {
    const count = Math.floor((rows * (t + 1)) / tiles.length) - Math.floor((rows * t) / tiles.length);
    return [rans, fast, mix][codec - 5](payload, { ...levels, rows: count });
  });
  const own: number[] = [];
  coded.forEach((level, i) => {
    own[places[i]] = level;
  });
  const out = new Uint8Array(own.length * itemBytes);
  const floats = new Float32Array(own.length);
  own.forEach((level, i) => {
    const bits = element(level, i, floats);
    floats[i] = floatOf(bits);
    for (let k = 0; k < itemBytes; k++) out[i * itemBytes + k] = Math.floor(bits / 256 ** k) % 256;
  });
  return out;
}

export interface ReferenceTensor {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { dtype: string; scale?: number; min?: number } | undefined;
  group?: string | undefined;
  bytes: Uint8Array;
}

/** The whole file: what the text says, and the tensors. */
export function decodeByTheBook(file: Uint8Array): { meta: object; tensors: ReferenceTensor[] } {
  const fixed = new Fields(file, 12);
  const headerLength = fixed.uint(4);
  const fields = new Fields(file, 26);
  const [textLength, textBytes, count] = [fields.varint(), fields.varint(), fields.varint()];
  const table = Array.from({ length: count }, () => {
    const [first, second] = [fields.uint(1), fields.uint(1)];
    const [dtype, itemBytes, quantized] = types[first & 15];
    const shape = Array.from({ length: first >> 4 }, () => fields.varint());
    const elements = dtype === 'string' ? fields.varint() : product(shape);
    const quantization: ReferenceTensor['quantization'] = quantized && { dtype: quantized };
    const given = quantization && quantized !== 'float16' ? fields.uint(1) : 0;
    const double = (): number => new DataView(fields.take(8).buffer).getFloat64(0, true);
    if (quantization && given & 1) quantization.scale = double();
    if (quantization && given & 2) quantization.min = double();
    const codec = second & 63;
    const constant = codec === 1 ? fields.take(itemBytes) : undefined;
    const back = codec === 8 ? fields.varint() : 0;
    const plain = dtype === 'float32' && !quantized;
    const levels = codec >= 5 && codec <= 7 ? readLevels(fields, shape, plain, itemBytes) : undefined;
    const tiles = codec === 0 || codec === 1 || codec === 8 ? 0 : fields.varint() + 1;
    const lengths = Array.from({ length: tiles }, () => {
      const length = fields.varint();
      fields.take(4);
      return length;
    });
    const group = [undefined, 'model', 'optimizer'][second >> 6];
    return {
      spec: { shape, dtype, quantization, group },
      itemBytes,
      elements,
      codec,
      constant,
      back,
      levels,
      lengths,
    };
  });
  const second = new Fields(file, 10).uint(2) === 8;
  const text = lz(fields.take(textBytes), textLength, 1, primer(), second);
  const [meta, ...names] = JSON.parse(Buffer.from(text).toString()) as [object, ...string[]];
  const payloads = new Fields(file, headerLength);
  const tensors: ReferenceTensor[] = [];
  table.forEach(({ spec, itemBytes, elements, codec, constant, back, levels, lengths }, i) => {
    const tiles = lengths.map((length) => payloads.take(length));
    const length = elements * itemBytes;
    const turned = spec.dtype === 'complex64' || (spec.dtype === 'float32' && !spec.quantization);
    const bytes = [
      () => new Uint8Array(length),
      () => Uint8Array.from({ length }, (_, k) => constant?.[k % itemBytes] ?? 0),
      () => tiles[0],
      () => planes(tiles[0], length, itemBytes, turned),
      () => lz(tiles[0], length, itemBytes),
      ...Array(3).fill(() => elementsOf(levels as Levels, codec, tiles, itemBytes)),
      () => tensors[i - back].bytes,
    ][codec]() as Uint8Array;
    tensors.push({ name: names[i], ...spec, bytes });
  });
  return { meta, tensors };
}

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');
