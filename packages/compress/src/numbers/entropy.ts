/** Bytes, by how often each number occurs. */
export function entropyOf(numbers: Float32Array): number {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / numbers.length);
  return bits / 8;
}
