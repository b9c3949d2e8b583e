import { Writer } from '../../bytes/writer.js';
import { codeTree, freshStates } from '../range/adaptive.js';
import { RangeEncoder } from '../range/encoder.js';

/** Counterpart of `decodePlanes`: each plane raw or coded, whichever an order-0 estimate finds smaller. */
export function encodePlanes(data: Uint8Array, itemBytes: number, rotate: boolean): Uint8Array {
  const turned = rotate ? rotateSigns(data) : data;
  const modes = Uint8Array.from({ length: itemBytes }, (_, p) => (worthCoding(turned, itemBytes, p) ? 1 : 0));
  return encodePlanesAs(data, rotate, modes);
}

/** The same with what becomes of each plane: 0 raw, 1 coded. */
export function encodePlanesAs(data: Uint8Array, rotate: boolean, modes: Uint8Array): Uint8Array {
  const itemBytes = modes.length;
  const items = data.length / itemBytes;
  const turned = rotate ? rotateSigns(data) : data;
  const out = new Writer();
  out.put(modes);
  const coder = new RangeEncoder();
  for (let plane = 0; plane < itemBytes; plane++) {
    const states = freshStates(256);
    for (let i = 0; i < items; i++) {
      const byte = turned[i * itemBytes + plane];
      if (modes[plane] === 0) {
        out.u8(byte);
        continue;
      }
      codeTree(coder, states, 0, 8, byte);
    }
  }
  out.put(coder.finish());
  return out.take();
}

/** Moves the sign (top bit, little-endian) of each 4-byte float below its fraction. */
function rotateSigns(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 4) {
    out[i] = (data[i] << 1) | (data[i + 3] >> 7);
    out[i + 1] = (data[i + 1] << 1) | (data[i] >> 7);
    out[i + 2] = (data[i + 2] << 1) | (data[i + 1] >> 7);
    out[i + 3] = (data[i + 3] << 1) | (data[i + 2] >> 7);
  }
  return out;
}

/** Whether order-0 coding saves anything: entropy plus what it costs to learn the distribution. */
function worthCoding(data: Uint8Array, itemBytes: number, plane: number): boolean {
  const counts = new Uint32Array(256);
  const items = data.length / itemBytes;
  for (let i = plane; i < data.length; i += itemBytes) counts[data[i]]++;
  let bits = 0;
  let distinct = 0;
  for (const count of counts) {
    if (count === 0) continue;
    bits -= count * Math.log2(count / items);
    distinct++;
  }
  return bits / 8 + (distinct * 0.7 * Math.log2(items + 1)) / 8 < items;
}
