// Batch normalisation in training over the last axis of [rows, channels], and its gradient, each reading what it works on twice: once
// for sums, once for the result; with the ReLU that follows in the same passes:
//
// - `EspalierBatchNorm`, `…Relu`, `…Relu6`: x, scale, offset, ε → y, mean, variance (of the batch, divided by the rows)
// - `EspalierBatchNormGrad`, `…Relu`, `…Relu6`: ∂y, x, scale, offset, mean, variance, ε → ∂x, ∂scale, ∂offset
//
// Sums are made of blocks of rows, whose number depends on the shape alone, so they have the same bits with any number of threads; and
// an op with ReLU computes to the bit what the op without and TensorFlow's ReLU do.

#include <math.h>

#include "call.h"
#include "separate.h"
#include "share.h"

namespace {

typedef float* __restrict Out;
typedef const float* __restrict In;

// What becomes of each channel: (x - mean) slope + offset, within bounds.
struct Norm {
  const float *mean, *slope, *offset;
  float low, high;
};

// Mean of each channel, and the sum of the squared distances from it.
WIDE SEPARATE void Moments(In x, int64_t rows, int64_t columns, Out mean, Out squares) {
  for (int64_t c = 0; c < columns; c++) mean[c] = squares[c] = 0;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) mean[c] += x[r * columns + c];
  for (int64_t c = 0; c < columns; c++) mean[c] /= rows;
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < columns; c++) {
      float d = x[r * columns + c] - mean[c];
      squares[c] += d * d;
    }
  }
}

WIDE SEPARATE void Normalise(In x, In mean, In slope, In offset, float low, float high, int64_t rows, int64_t columns,
                             Out y) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < columns; c++) {
      float v = (x[r * columns + c] - mean[c]) * slope[c] + offset[c];
      v = v < low ? low : v;
      y[r * columns + c] = v > high ? high : v;
    }
  }
}

// Σ d and Σ d (x - mean), where d is ∂y where y lies between the bounds.
WIDE SEPARATE void Sums(In dy, In x, In mean, In slope, In offset, float low, float high, int64_t rows, int64_t columns,
                        Out sum, Out product) {
  for (int64_t c = 0; c < columns; c++) sum[c] = product[c] = 0;
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < columns; c++) {
      float from = x[r * columns + c] - mean[c], y = from * slope[c] + offset[c];
      float d = dy[r * columns + c] * (y > low && y < high ? 1.0f : 0.0f);
      sum[c] += d;
      product[c] += d * from;
    }
  }
}

WIDE SEPARATE void Gradient(In dy, In x, In mean, In slope, In offset, In level, In tilt, float low, float high,
                            int64_t rows, int64_t columns, Out dx) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < columns; c++) {
      float from = x[r * columns + c] - mean[c], y = from * slope[c] + offset[c];
      float d = dy[r * columns + c] * (y > low && y < high ? 1.0f : 0.0f);
      dx[r * columns + c] = (d - level[c] - from * tilt[c]) * slope[c];
    }
  }
}

// Rows of a block: what they hold stays in the first cache.
int64_t BlockOf(int64_t columns) { return std::max<int64_t>(16, 8192 / std::max<int64_t>(1, columns)); }

// Calls work(block, first row, rows) for each block, on all threads.
template <typename Work>
void ForBlocks(int64_t rows, int64_t columns, const Work& work) {
  int64_t block = BlockOf(columns);
  Share(rows, block, [&](int64_t from, int64_t to) {
    for (int64_t r = from; r < to; r += block) work(r / block, r, std::min(block, to - r));
  });
}

float Slope(float scale, float variance, float epsilon) {
  return static_cast<float>(scale / sqrt(static_cast<double>(variance) + epsilon));
}

struct Bounds {
  float low, high;
};
const Bounds kNone = {-INFINITY, INFINITY}, kRelu = {0, INFINITY}, kRelu6 = {0, 6};

template <const Bounds& bounds>
void NormOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t rows = call.rows, columns = call.columns, n = rows * columns;
  if (!call.ok() || !call.Sizes({n, columns, columns, 1})) return;
  float *y = call.Like(0), *mean = call.Vector(1, columns), *variance = call.Vector(2, columns);
  if (!call.ok() || rows == 0) return;
  const float *x = call.in(0), epsilon = call.in(3)[0];
  int64_t block = BlockOf(columns), blocks = (rows + block - 1) / block;
  std::vector<float> means(blocks * columns), squares(blocks * columns), slope(columns);
  ForBlocks(rows, columns, [&](int64_t b, int64_t from, int64_t count) {
    Moments(x + from * columns, count, columns, &means[b * columns], &squares[b * columns]);
  });
  // Chan, Golub & LeVeque (1979): the blocks' squares, and those of their means around that of all.
  std::vector<double> total(columns), around(columns);
  auto count = [&](int64_t b) { return static_cast<double>(std::min(block, rows - b * block)); };
  for (int64_t b = 0; b < blocks; b++)
    for (int64_t c = 0; c < columns; c++) total[c] += count(b) * means[b * columns + c];
  for (int64_t c = 0; c < columns; c++) total[c] /= static_cast<double>(rows);
  for (int64_t b = 0; b < blocks; b++) {
    for (int64_t c = 0; c < columns; c++) {
      double d = means[b * columns + c] - total[c];
      around[c] += squares[b * columns + c] + count(b) * d * d;
    }
  }
  for (int64_t c = 0; c < columns; c++) {
    mean[c] = static_cast<float>(total[c]);
    variance[c] = static_cast<float>(around[c] / static_cast<double>(rows));
    slope[c] = Slope(call.in(1)[c], variance[c], epsilon);
  }
  ForBlocks(rows, columns, [&](int64_t, int64_t from, int64_t count) {
    Normalise(x + from * columns, mean, slope.data(), call.in(2), bounds.low, bounds.high, count, columns,
              y + from * columns);
  });
}

template <const Bounds& bounds>
void GradOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t rows = call.rows, columns = call.columns, n = rows * columns;
  if (!call.ok() || !call.Sizes({n, n, columns, columns, columns, columns, 1})) return;
  float *dx = call.Like(0), *dscale = call.Vector(1, columns), *doffset = call.Vector(2, columns);
  if (!call.ok() || rows == 0) return;
  const float *dy = call.in(0), *x = call.in(1), *offset = call.in(3), *mean = call.in(4), epsilon = call.in(6)[0];
  int64_t blocks = (rows + BlockOf(columns) - 1) / BlockOf(columns);
  std::vector<float> sums(blocks * columns), products(blocks * columns), slope(columns), level(columns), tilt(columns);
  for (int64_t c = 0; c < columns; c++) slope[c] = Slope(call.in(2)[c], call.in(5)[c], epsilon);
  ForBlocks(rows, columns, [&](int64_t b, int64_t from, int64_t count) {
    Sums(dy + from * columns, x + from * columns, mean, slope.data(), offset, bounds.low, bounds.high, count, columns,
         &sums[b * columns], &products[b * columns]);
  });
  std::vector<double> sum(columns), product(columns);
  for (int64_t b = 0; b < blocks; b++) {
    for (int64_t c = 0; c < columns; c++) {
      sum[c] += sums[b * columns + c];
      product[c] += products[b * columns + c];
    }
  }
  for (int64_t c = 0; c < columns; c++) {
    double square = static_cast<double>(call.in(5)[c]) + epsilon;
    doffset[c] = static_cast<float>(sum[c]);
    dscale[c] = static_cast<float>(product[c] / sqrt(square));
    level[c] = static_cast<float>(sum[c] / static_cast<double>(rows));
    tilt[c] = static_cast<float>(product[c] / (square * static_cast<double>(rows)));
  }
  ForBlocks(rows, columns, [&](int64_t, int64_t from, int64_t count) {
    Gradient(dy + from * columns, x + from * columns, mean, slope.data(), offset, level.data(), tilt.data(), bounds.low,
             bounds.high, count, columns, dx + from * columns);
  });
}

Op Forward(const char* name, void (*compute)(void*, TF_OpKernelContext*)) {
  return {name,
          {"x: float", "scale: float", "offset: float", "epsilon: float"},
          {"y: float", "mean: float", "variance: float"},
          compute};
}

Op Backward(const char* name, void (*compute)(void*, TF_OpKernelContext*)) {
  return {name,
          {"dy: float", "x: float", "scale: float", "offset: float", "mean: float", "variance: float", "epsilon: float"},
          {"dx: float", "d_scale: float", "d_offset: float"},
          compute};
}

}  // namespace

extern "C" void espalier_register_batch_norm_ops() {
  Register(Forward("EspalierBatchNorm", &NormOp<kNone>));
  Register(Forward("EspalierBatchNormRelu", &NormOp<kRelu>));
  Register(Forward("EspalierBatchNormRelu6", &NormOp<kRelu6>));
  Register(Backward("EspalierBatchNormGrad", &GradOp<kNone>));
  Register(Backward("EspalierBatchNormGradRelu", &GradOp<kRelu>));
  Register(Backward("EspalierBatchNormGradRelu6", &GradOp<kRelu6>));
}
