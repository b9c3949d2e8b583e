import { EspalierError } from './errors.js';
import type { PluginState, StateArray } from './session.js';

const types = { Float32Array, Float64Array, Int32Array, Uint8Array, Uint16Array, Uint32Array };
type TypeName = keyof typeof types;

interface Entry {
  name: string;
  type: TypeName;
  length: number;
}

const magic = 'ESPSTAT2';
/** Magic, length of the JSON header, checksum of all that follows: 8 + 4 + 4 bytes. */
const start = 16;

/** The array's type by name; a subclass such as Node's `Buffer` goes by its base. */
function typeOf(array: StateArray): TypeName {
  return (Object.keys(types) as TypeName[]).find((name) => array instanceof types[name])!;
}

/**
 * 32 bits over all that comes after them. Every step is one to one in what was there before and in what is new, so
 * that a change within four bytes always shows; any other is missed once in 2^32.
 */
function checksum(bytes: Uint8Array): number {
  const end = start + ((bytes.length - start) & ~3);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let hash = bytes.length >>> 0;
  for (let i = start; i < end; i += 4) {
    hash = Math.imul(hash ^ view.getUint32(i, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (let i = end; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x85ebca6b);
  return hash >>> 0;
}

/**
 * A saved state as bytes: 8 bytes of magic, the length of a JSON header (u32, little-endian), a checksum of what
 * follows (u32, little-endian), the header, then the arrays, each padded to 8 bytes, in the header's order and the machine's byte order.
 *
 * @example
 * ```ts
 * import { packState, unpackState } from '@espalier/core';
 * const state = unpackState(packState({ json: { epoch: 3 }, arrays: { w: Float32Array.of(1, 2) } }));
 * if (state.arrays?.w[1] !== 2) throw new Error('unexpected');
 * ```
 */
export function packState(state: PluginState): Uint8Array {
  const arrays = Object.entries(state.arrays ?? {});
  const table: Entry[] = arrays.map(([name, array]) => ({
    name,
    type: typeOf(array),
    length: array.length,
  }));
  const header = new TextEncoder().encode(JSON.stringify({ json: state.json ?? null, table }));
  const pad = (n: number): number => (n + 7) & ~7;
  let size = pad(start + header.length);
  for (const [, array] of arrays) size += pad(array.byteLength);
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(8, header.length, true);
  bytes.set(header, start);
  let offset = pad(start + header.length);
  for (const [, array] of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += pad(array.byteLength);
  }
  new DataView(bytes.buffer).setUint32(12, checksum(bytes), true);
  return bytes;
}

/**
 * Reads back what `packState` wrote. @throws EspalierError `bad-state` when the bytes are not such a state, or a bit of
 * them has changed.
 */
export function unpackState(bytes: Uint8Array): PluginState {
  const bad = (): never => {
    throw new EspalierError('bad-state', 'This is not a whole saved state.', {
      remedy: 'Start the run again.',
    });
  };
  if (bytes.length < start || new TextDecoder().decode(bytes.subarray(0, 8)) !== magic) bad();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const headerLength = view.getUint32(8, true);
  if (start + headerLength > bytes.length || view.getUint32(12, true) !== checksum(bytes)) bad();
  const header = new TextDecoder().decode(bytes.subarray(start, start + headerLength));
  let json: unknown;
  const arrays: Record<string, StateArray> = {};
  try {
    const parsed = JSON.parse(header) as { json: unknown; table: Entry[] };
    json = parsed.json;
    let offset = (start + headerLength + 7) & ~7;
    for (const { name, type, length } of parsed.table) {
      const byteLength = length * types[type].BYTES_PER_ELEMENT;
      if (!Number.isInteger(length) || length < 0 || offset + byteLength > bytes.length) bad();
      // Not bytes.slice: a Node Buffer's slice shares the memory of the whole file.
      arrays[name] = new types[type](
        Uint8Array.prototype.slice.call(bytes, offset, offset + byteLength).buffer,
      );
      offset += (byteLength + 7) & ~7;
    }
  } catch {
    bad();
  }
  return { json, arrays };
}
