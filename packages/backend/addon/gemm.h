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

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
inline int Lanes() {
  static const int lanes = !__builtin_cpu_supports("fma")       ? 4
                           : __builtin_cpu_supports("avx512f") ? 16
                           : __builtin_cpu_supports("avx2")    ? 8
                                                               : 4;
  return lanes;
}
#else
inline int Lanes() { return 4; }
#endif

// Whether it is faster than what TensorFlow has.
inline bool HasWideProduct() { return Lanes() > 4; }

inline void Block(int64_t rows, int64_t columns, int64_t depth, Left a, const float* b, int64_t b_row, float* c,
                  int64_t c_row) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  if (Lanes() == 16) return wide512::Product(rows, columns, depth, a, b, b_row, c, c_row);
  if (Lanes() == 8) return wide256::Product(rows, columns, depth, a, b, b_row, c, c_row);
#endif
  plain::Product(rows, columns, depth, a, b, b_row, c, c_row);
}

// c [rows, columns] += a [rows, depth] b [depth, columns]; b_row and c_row are the distances of rows. Blocks of a stay in the second
// cache while the columns pass, two vectors wide, those of b in the first.
inline void AddProduct(int64_t rows, int64_t columns, int64_t depth, Left a, const float* b, int64_t b_row, float* c,
                int64_t c_row) {
  const int64_t high = 16 * kTileRows, deep = 256;
  for (int64_t k = 0; k < depth; k += deep)
    for (int64_t i = 0; i < rows; i += high) {
      Left part = {a.at + i * a.row + k * a.column, a.row, a.column};
      Block(rows - i < high ? rows - i : high, columns, depth - k < deep ? depth - k : deep, part, b + k * b_row, b_row,
            c + i * c_row, c_row);
    }
}

}  // namespace
