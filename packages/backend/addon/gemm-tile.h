// One tile of a matrix product, for one kind of processor: gemm.h includes it with TARGET, LANES and HEIGHT defined. No
// guard: it is read once for each. Tiles of HEIGHT rows and two vectors of LANES numbers stay in registers.

typedef float V __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

template <int R, int C>
TARGET void Tile(int64_t depth, Left a, const float* b, int64_t b_row, float* c, int64_t c_row) {
  V sum[R][C];
  for (int r = 0; r < R; r++)
    for (int j = 0; j < C; j++) sum[r][j] = *reinterpret_cast<const V*>(c + r * c_row + j * LANES);
  for (int64_t k = 0; k < depth; k++) {
    V right[C];
    for (int j = 0; j < C; j++) right[j] = *reinterpret_cast<const V*>(b + k * b_row + j * LANES);
    for (int r = 0; r < R; r++) {
      float left = a.at[r * a.row + k * a.column];
      for (int j = 0; j < C; j++) sum[r][j] += left * right[j];
    }
  }
  for (int r = 0; r < R; r++)
    for (int j = 0; j < C; j++) *reinterpret_cast<V*>(c + r * c_row + j * LANES) = sum[r][j];
}

template <int C>
TARGET void Panel(int64_t rows, int64_t depth, Left a, const float* b, int64_t b_row, float* c, int64_t c_row) {
  int64_t i = 0;
  for (; i + HEIGHT <= rows; i += HEIGHT) Tile<HEIGHT, C>(depth, a.From(i), b, b_row, c + i * c_row, c_row);
  for (; i + 4 <= rows; i += 4) Tile<4, C>(depth, a.From(i), b, b_row, c + i * c_row, c_row);
  for (; i < rows; i++) Tile<1, C>(depth, a.From(i), b, b_row, c + i * c_row, c_row);
}

TARGET void Product(int64_t rows, int64_t columns, int64_t depth, Left a, const float* b, int64_t b_row, float* c,
                    int64_t c_row) {
  int64_t j = 0;
  for (; j + 2 * LANES <= columns; j += 2 * LANES) Panel<2>(rows, depth, a, b + j, b_row, c + j, c_row);
  for (; j + LANES <= columns; j += LANES) Panel<1>(rows, depth, a, b + j, b_row, c + j, c_row);
  for (; j < columns; j++)
    for (int64_t i = 0; i < rows; i++) {
      float sum = c[i * c_row + j];
      for (int64_t k = 0; k < depth; k++) sum += a.at[i * a.row + k * a.column] * b[k * b_row + j];
      c[i * c_row + j] = sum;
    }
}
