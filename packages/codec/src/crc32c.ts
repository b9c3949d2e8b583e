/** CRC32C (Castagnoli), reflected polynomial 0x82F63B78: finds every burst of up to 32 bits. */
let table: Int32Array | undefined;

function makeTable(): Int32Array {
  const made = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    made[i] = c;
  }
  return made;
}

/**
 * The CRC32C of `bytes[start, end)`, an unsigned 32-bit integer; `before` continues an earlier one.
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, before = 0): number {
  table ??= makeTable();
  const t = table;
  let c = ~before;
  for (let i = start; i < end; i++) c = t[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
