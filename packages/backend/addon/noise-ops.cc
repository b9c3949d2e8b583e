// Ops for layers that draw their outputs (local reparameterisation, Kingma, Salimans & Welling 2015). Each does in one
// pass what takes four to twelve of TensorFlow's, which cost more to call than to compute. Shapes: inputs
// `[rows, columns]`, one number per column where a vector is meant.
//
// - `EspalierScaleNoise`: x, log α, seed → s = x (1 + ε √α), s², ε
// - `EspalierScaleNoiseGrad`: ∂s, ∂(s²), x, log α, ε → ∂x, ∂(log α)
// - `EspalierOutputNoise`: mean, variance, bias, log bias variance, seed → y = mean + bias + ε d, ε / d, with
//   d² = variance + bias variance + 1e-12
// - `EspalierOutputNoiseGrad`: ∂y, ε / d, log bias variance → ∂variance, ∂bias, ∂(log bias variance)
// - `EspalierGaussianEnergy`: μ, σ², log σ² → of each row Σ (μ² + σ²), Σ log σ²
// - `EspalierGaussianSlopes`: μ, σ², rate of each row, factor → μ rate, (σ² rate - factor) / 2
//
// ε are standard normal numbers, antithetic where there is an even number of rows (normal.h).

#include <math.h>
#include <stdint.h>

#include <vector>

#include "call.h"
#include "gaussian.h"
#include "normal.h"

namespace {

// exp(factor x) of each.
std::vector<float> Exp(const float* x, float factor, int64_t n) {
  std::vector<float> result(n);
  for (int64_t i = 0; i < n; i++) result[i] = expf(factor * x[i]);
  return result;
}

WIDE void ScaleNoise(const float* x, const float* deviation, const float* noise, int64_t rows, int64_t columns,
                     float* scaled, float* squared) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0, i = r * columns; c < columns; c++, i++) {
      float s = x[i] * (1.0f + noise[i] * deviation[c]);
      scaled[i] = s;
      squared[i] = s * s;
    }
  }
}

WIDE void ScaleNoiseGrad(const float* p, const float* q, const float* x, const float* deviation, const float* noise,
                         int64_t rows, int64_t columns, float* dx, float* sums) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0, i = r * columns; c < columns; c++, i++) {
      float z = 1.0f + noise[i] * deviation[c];
      float ds = p[i] + 2.0f * x[i] * z * q[i];
      dx[i] = ds * z;
      sums[c] += ds * x[i] * noise[i];
    }
  }
}

WIDE void OutputNoise(const float* mean, const float* variance, const float* bias, const float* more, int64_t rows,
                      int64_t columns, float* y, float* slope) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0, i = r * columns; c < columns; c++, i++) {
      float d = sqrtf(variance[i] + more[c] + 1e-12f), noise = slope[i];
      y[i] = mean[i] + bias[c] + noise * d;
      slope[i] = noise / d;
    }
  }
}

WIDE void OutputNoiseGrad(const float* dy, const float* slope, int64_t rows, int64_t columns, float* dv, float* db,
                          float* dbv) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0, i = r * columns; c < columns; c++, i++) {
      float g = 0.5f * dy[i] * slope[i];
      dv[i] = g;
      db[c] += dy[i];
      dbv[c] += g;
    }
  }
}

WIDE void Energy(const float* mean, const float* variance, const float* logs, int64_t columns, float* energy,
                 float* log_sum) {
  const int kLanes = 16;
  float e[kLanes] = {0}, l[kLanes] = {0};
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    for (int i = 0; i < kLanes; i++) {
      e[i] += mean[c + i] * mean[c + i] + variance[c + i];
      l[i] += logs[c + i];
    }
  }
  for (int i = 0; c < columns; c++, i++) {
    e[i] += mean[c] * mean[c] + variance[c];
    l[i] += logs[c];
  }
  double total = 0, total_log = 0;
  for (int i = 0; i < kLanes; i++) {
    total += e[i];
    total_log += l[i];
  }
  *energy = static_cast<float>(total);
  *log_sum = static_cast<float>(total_log);
}

void ScaleNoiseOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || !call.Sizes({n, call.columns, 2})) return;
  float *scaled = call.Like(0), *squared = call.Like(1), *noise = call.Like(2);
  if (!call.ok()) return;
  Antithetic(call.words(2), noise, call.rows, call.columns);
  std::vector<float> deviation = Exp(call.in(1), 0.5f, call.columns);
  ScaleNoise(call.in(0), deviation.data(), noise, call.rows, call.columns, scaled, squared);
}

void ScaleNoiseGradOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || !call.Sizes({n, n, n, call.columns, n})) return;
  float *dx = call.Like(0), *sums = call.Vector(1, call.columns);
  if (!call.ok()) return;
  std::vector<float> deviation = Exp(call.in(3), 0.5f, call.columns);
  ScaleNoiseGrad(call.in(0), call.in(1), call.in(2), deviation.data(), call.in(4), call.rows, call.columns, dx, sums);
  for (int64_t c = 0; c < call.columns; c++) sums[c] *= 0.5f * deviation[c];
}

void OutputNoiseOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || !call.Sizes({n, n, call.columns, call.columns, 2})) return;
  float *y = call.Like(0), *slope = call.Like(1);
  if (!call.ok()) return;
  Antithetic(call.words(4), slope, call.rows, call.columns);
  std::vector<float> more = Exp(call.in(3), 1.0f, call.columns);
  OutputNoise(call.in(0), call.in(1), call.in(2), more.data(), call.rows, call.columns, y, slope);
}

void OutputNoiseGradOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || !call.Sizes({n, n, call.columns})) return;
  float *dv = call.Like(0), *db = call.Vector(1, call.columns), *dbv = call.Vector(2, call.columns);
  if (!call.ok()) return;
  OutputNoiseGrad(call.in(0), call.in(1), call.rows, call.columns, dv, db, dbv);
  for (int64_t c = 0; c < call.columns; c++) dbv[c] *= expf(call.in(2)[c]);
}

void EnergyOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || !call.Sizes({n, n, n})) return;
  float *energy = call.Vector(0, call.rows), *logs = call.Vector(1, call.rows);
  if (!call.ok()) return;
  for (int64_t r = 0, i = 0; r < call.rows; r++, i += call.columns) {
    Energy(call.in(0) + i, call.in(1) + i, call.in(2) + i, call.columns, energy + r, logs + r);
  }
}

void SlopesOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || !call.Sizes({n, n, call.rows, 1})) return;
  float *dmean = call.Like(0), *dlog = call.Like(1);
  if (!call.ok()) return;
  for (int64_t r = 0, i = 0; r < call.rows; r++, i += call.columns) {
    Slopes(call.in(0) + i, call.in(1) + i, call.in(2)[r], *call.in(3), call.columns, dmean + i, dlog + i);
  }
}

}  // namespace

extern "C" void espalier_register_noise_ops() {
  const Op ops[] = {
      {"EspalierScaleNoise",
       {"x: float", "log_rate: float", "seed: int32"},
       {"scaled: float", "squared: float", "noise: float"},
       &ScaleNoiseOp},
      {"EspalierScaleNoiseGrad",
       {"d_scaled: float", "d_squared: float", "x: float", "log_rate: float", "noise: float"},
       {"dx: float", "d_log_rate: float"},
       &ScaleNoiseGradOp},
      {"EspalierOutputNoise",
       {"mean: float", "variance: float", "bias: float", "bias_log_variance: float", "seed: int32"},
       {"y: float", "slope: float"},
       &OutputNoiseOp},
      {"EspalierOutputNoiseGrad",
       {"dy: float", "slope: float", "bias_log_variance: float"},
       {"d_variance: float", "d_bias: float", "d_bias_log_variance: float"},
       &OutputNoiseGradOp},
      {"EspalierGaussianEnergy",
       {"mean: float", "variance: float", "log_variance: float"},
       {"energy: float", "logs: float"},
       &EnergyOp},
      {"EspalierGaussianSlopes",
       {"mean: float", "variance: float", "rate: float", "factor: float"},
       {"d_mean: float", "d_log_variance: float"},
       &SlopesOp},
  };
  for (const Op& op : ops) Register(op);
}
