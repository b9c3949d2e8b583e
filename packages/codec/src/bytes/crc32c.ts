/** CRC32C (Castagnoli), reflected polynomial 0x82F63B78: finds every burst of up to 32 bits. */
const table = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, c) => {
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});

/**
 * The CRC32C of `bytes[start, end)`, an unsigned 32-bit integer; `before` continues an earlier one.
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, before = 0): number {
  let c = ~before;
  for (let i = start; i < end; i++) c = table[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
