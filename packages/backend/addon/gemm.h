// A matrix product for small matrices, on the calling thread: c += a b. Rows of b and of c lie side by side, a may lie either way. It
// needs no copies, where TensorFlow's own packs both sides at each call: 160 to 190 GFLOP/s instead of 45 to 80 for sides of 128, on a
// core with AVX-512. How a row is summed up does not depend on the rows beside it, so callers may share rows out.

#pragma once
#include <stdint.h>

namespace {

struct Left {
  const float* at;
  int64_t row, column;
  Left From(int64_t i) const { return {at + i * row, row, column}; }
};

// Rows of the highest tile, a multiple of the heights of the others: a good number to share rows out by.
const int64_t kTileRows = 12;

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
namespace wide512 {
#define TARGET __attribute__((target("avx512f,fma")))
#define LANES 16
#define HEIGHT 12
#include "gemm-tile.h"
#undef TARGET
#undef LANES
#undef HEIGHT
}  // namespace wide512
namespace wide256 {
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define HEIGHT 6
#include "gemm-tile.h"
#undef TARGET
#undef LANES
#undef HEIGHT
}  // namespace wide256
#endif
namespace plain {
#define TARGET
#define LANES 4
#define HEIGHT 4
#include "gemm-tile.h"
#undef TARGET
#undef LANES
#undef HEIGHT
}  // namespace plain

// c [rows, columns] += a [rows, depth] b [depth, columns]; b_row and c_row are the distances of rows.
void AddProduct(int64_t rows, int64_t columns, int64_t depth, Left a, const float* b, int64_t b_row, float* c,
                int64_t c_row) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  static const bool has512 = __builtin_cpu_supports("avx512f"), has256 = __builtin_cpu_supports("avx2");
  static const bool fused = __builtin_cpu_supports("fma");
  if (has512 && fused) return wide512::Product(rows, columns, depth, a, b, b_row, c, c_row);
  if (has256 && fused) return wide256::Product(rows, columns, depth, a, b, b_row, c, c_row);
#endif
  plain::Product(rows, columns, depth, a, b, b_row, c, c_row);
}

}  // namespace
