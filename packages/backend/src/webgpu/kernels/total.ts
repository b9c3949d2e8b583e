/**
 * Shared memory and a function for kernels with so many threads: `total(lane, mine)` is the sum of what the threads
 * have, the same in each, always added up in one order.
 */
export function totalOf(threads: number): string {
  return `
var<workgroup> totals: array<f32, ${threads}>;
fn total(lane: u32, mine: f32) -> f32 {
  workgroupBarrier();
  totals[lane] = mine;
  workgroupBarrier();
  for (var width = ${threads / 2}u; width > 0u; width >>= 1u) {
    if (lane < width) { totals[lane] += totals[lane + width]; }
    workgroupBarrier();
  }
  return totals[0];
}`;
}
