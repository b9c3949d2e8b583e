import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** CRC-32C, a bit at a time. */
export function crc32c(bytes: Uint8Array): number {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
  }
  return ~sum >>> 0;
}

/** A check sum of TFRecord, by TensorFlow's rule for what is read: turned left by 15 bits once the constant is taken off. */
function unmasked(sum: number): number {
  const turned = (sum - 0xa282ead8) >>> 0;
  return ((turned << 15) | (turned >>> 17)) >>> 0;
}

/** Records of a TFRecord file, every check sum checked. */
export function recordsOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const found: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const data = file.subarray(at + 12, at + 12 + length);
    if (unmasked(view.getUint32(at + 8, true)) !== crc32c(file.subarray(at, at + 8)))
      throw new Error('length');
    if (unmasked(view.getUint32(at + 12 + length, true)) !== crc32c(data)) throw new Error('data');
    found.push(data);
    at += 16 + length;
  }
  return found;
}

/** Fields of a message of Protocol Buffers, by number: numbers, or bytes. */
function fieldsOf(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (size: number): number => {
    at += size;
    return at - size;
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, type] = [key >>> 3, key & 7];
    let value: number | Uint8Array;
    if (type === 0) value = varint();
    else if (type === 1) value = view.getFloat64(take(8), true);
    else if (type === 5) value = view.getFloat32(take(4), true);
    else if (type === 2) {
      const length = varint();
      value = bytes.subarray(at, take(length) + length);
    } else throw new Error(`wire type ${type}`);
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);
const one = (bytes: Uint8Array, ...path: number[]): number | Uint8Array | undefined =>
  path.reduce<number | Uint8Array | undefined>(
    (inner, field) => inner && fieldsOf(inner as Uint8Array).get(field)?.[0],
    bytes,
  );

/** What an event file holds. */
export interface ReadEvents {
  readonly version: string;
  /** Steps that it begins again with. */
  readonly restarts: number[];
  /** By tag: step and value. */
  readonly scalars: Record<string, [step: number, value: number][]>;
  /** By tag: step, and rows of from, to, how many. */
  readonly histograms: Record<string, [step: number, rows: number[][]][]>;
}

function add<T>(lists: Record<string, T[]>, tag: string, item: T): void {
  lists[tag] = [...(lists[tag] ?? []), item];
}

export function readEvents(file: Uint8Array): ReadEvents {
  const events: { -readonly [K in keyof ReadEvents]: ReadEvents[K] } = {
    version: '',
    restarts: [],
    scalars: {},
    histograms: {},
  };
  for (const record of recordsOf(file)) {
    const event = fieldsOf(record);
    const step = (event.get(2)?.[0] as number | undefined) ?? 0;
    const seconds = event.get(1)?.[0] as number;
    if (!(Math.abs(seconds - Date.now() / 1000) < 3600)) throw new Error(`time ${seconds}`);
    if (event.has(3)) events.version = text(event.get(3)?.[0]);
    if (event.has(7) && one(record, 7, 1) === 1) events.restarts.push(step);
    for (const value of event.has(5) ? (fieldsOf(event.get(5)?.[0] as Uint8Array).get(1) ?? []) : []) {
      const fields = fieldsOf(value as Uint8Array);
      const tag = text(fields.get(1)?.[0]);
      if (fields.has(2)) add(events.scalars, tag, [step, fields.get(2)?.[0] as number]);
      if (!fields.has(8)) continue;
      const tensor = fields.get(8)?.[0] as Uint8Array;
      if (text(one(value as Uint8Array, 9, 1, 1)) !== 'histograms' || one(tensor, 1) !== 2)
        throw new Error(tag);
      const sizes = fieldsOf(one(tensor, 2) as Uint8Array).get(2) ?? [];
      const [rows, columns] = sizes.map((size) => one(size as Uint8Array, 1) as number);
      const content = new Uint8Array(one(tensor, 4) as Uint8Array);
      const numbers = [...new Float64Array(content.buffer)];
      if (columns !== 3 || numbers.length !== 3 * rows) throw new Error(`${rows} x ${columns}`);
      const table = Array.from({ length: rows }, (_, i) => numbers.slice(3 * i, 3 * i + 3));
      add(events.histograms, tag, [step, table]);
    }
  }
  return events;
}

/** What is told of a scalar, as TensorBoard takes it: a file that begins again with a step puts away that and later ones. */
export function scalarOf(files: readonly ReadEvents[], tag: string): [step: number, value: number][] {
  return files.reduce<[number, number][]>((before, { restarts: [from = Infinity], scalars }) => {
    return [...before.filter(([step]) => step < from), ...(scalars[tag] ?? [])];
  }, []);
}

/** The event files of a folder, in the order in which they were begun. */
export function eventFilesIn(folder: string): ReadEvents[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('events.out.tfevents.'))
    .sort()
    .map((name) => readEvents(readFileSync(join(folder, name))));
}
