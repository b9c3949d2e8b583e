/**
 * C++ of ops of our own for layers that draw their outputs (local reparameterisation, Kingma, Salimans & Welling
 * 2015), compiled into the addon. Each does in one pass what takes four to twelve of TensorFlow's, which cost more to
 * call than to compute. Shapes: inputs `[rows, columns]`, one number per column where a vector is meant.
 *
 * - `EspalierScaleNoise`: x, log α, seed → s = x (1 + ε √α), s², ε
 * - `EspalierScaleNoiseGrad`: ∂s, ∂(s²), x, log α, ε → ∂x, ∂(log α)
 * - `EspalierOutputNoise`: mean, variance, bias, log bias variance, seed → y = mean + bias + ε d, ε / d, with
 *   d² = variance + bias variance + 1e-12
 * - `EspalierOutputNoiseGrad`: ∂y, ε / d, log bias variance → ∂variance, ∂bias, ∂(log bias variance)
 * - `EspalierGaussianEnergy`: μ, σ², log σ² → of each row Σ (μ² + σ²), Σ log σ²
 * - `EspalierGaussianSlopes`: μ, σ², rate of each row, factor → μ rate, (σ² rate - factor) / 2
 *
 * ε are standard normal numbers that depend on the seed's two words alone: splitmix64 (Steele, Lea & Flood 2014) and
 * Box-Muller, to 1e-6. Of an even number of rows the second half gets the first half's with the other sign
 * (antithetic variates).
 */
export const NOISE_OPS = `
#include "call.h"
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <vector>

namespace {

const int kBlock = 256;

uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// Pairs of normal numbers from pairs of uniform ones: u in (0, 1], v in [0, 1).
WIDE void BoxMuller(const float* u, const float* v, float* cosine, float* sine) {
  for (int i = 0; i < kBlock; i++) {
    // log u = exponent log 2 + 2 artanh t, |t| < 0.172.
    int32_t bits;
    memcpy(&bits, &u[i], 4);
    int32_t exponent = (bits - 0x3f3504f3) >> 23;
    int32_t reduced = bits - exponent * (1 << 23);
    float m;
    memcpy(&m, &reduced, 4);
    float t = (m - 1.0f) / (m + 1.0f), t2 = t * t;
    float series = 1.0f + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7 + t2 * (1.0f / 9))));
    float log = exponent * 0.69314718f + 2.0f * t * series;
    float r = sqrtf(-2.0f * log);
    // The angle is a quarter turn times k, and f within an eighth of a turn.
    int32_t k = static_cast<int32_t>(4.0f * v[i] + 0.5f);
    float f = (4.0f * v[i] - k) * 1.57079633f, f2 = f * f;
    float s = f * (1.0f - f2 / 6 * (1.0f - f2 / 20 * (1.0f - f2 / 42 * (1.0f - f2 / 72))));
    float c = 1.0f - f2 / 2 * (1.0f - f2 / 12 * (1.0f - f2 / 30 * (1.0f - f2 / 56)));
    float a = (k & 1) ? -s : c, b = (k & 1) ? c : s;
    float sign = (k & 2) ? -r : r;
    cosine[i] = a * sign;
    sine[i] = b * sign;
  }
}

void Normal(const int32_t* seed, float* out, int64_t n) {
  uint64_t key = Mix((static_cast<uint64_t>(static_cast<uint32_t>(seed[0])) << 32) | static_cast<uint32_t>(seed[1]));
  float u[kBlock], v[kBlock], pair[2 * kBlock];
  uint64_t counter = 0;
  for (int64_t done = 0; done < n; done += 2 * kBlock) {
    for (int i = 0; i < kBlock; i++) {
      uint64_t bits = Mix(key + ++counter * 0x9e3779b97f4a7c15ull);
      u[i] = static_cast<float>((bits >> 40) + 1) * 5.9604645e-8f;
      v[i] = static_cast<float>((bits >> 8) & 0xffffff) * 5.9604645e-8f;
    }
    BoxMuller(u, v, pair, pair + kBlock);
    int64_t left = n - done;
    memcpy(out + done, pair, sizeof(float) * (left < 2 * kBlock ? left : 2 * kBlock));
  }
}

void Antithetic(const int32_t* seed, float* out, int64_t rows, int64_t columns) {
  if (rows % 2) return Normal(seed, out, rows * columns);
  int64_t half = rows / 2 * columns;
  Normal(seed, out, half);
  for (int64_t i = 0; i < half; i++) out[half + i] = -out[i];
}

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

WIDE void Slopes(const float* mean, const float* variance, float rate, float factor, int64_t columns, float* dmean,
                 float* dlog) {
  for (int64_t c = 0; c < columns; c++) {
    dmean[c] = mean[c] * rate;
    dlog[c] = 0.5f * (variance[c] * rate - factor);
  }
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
    {"EspalierScaleNoise", {"x: float", "log_rate: float", "seed: int32"},
     {"scaled: float", "squared: float", "noise: float"}, &ScaleNoiseOp},
    {"EspalierScaleNoiseGrad", {"d_scaled: float", "d_squared: float", "x: float", "log_rate: float", "noise: float"},
     {"dx: float", "d_log_rate: float"}, &ScaleNoiseGradOp},
    {"EspalierOutputNoise", {"mean: float", "variance: float", "bias: float", "bias_log_variance: float", "seed: int32"},
     {"y: float", "slope: float"}, &OutputNoiseOp},
    {"EspalierOutputNoiseGrad", {"dy: float", "slope: float", "bias_log_variance: float"},
     {"d_variance: float", "d_bias: float", "d_bias_log_variance: float"}, &OutputNoiseGradOp},
    {"EspalierGaussianEnergy", {"mean: float", "variance: float", "log_variance: float"},
     {"energy: float", "logs: float"}, &EnergyOp},
    {"EspalierGaussianSlopes", {"mean: float", "variance: float", "rate: float", "factor: float"},
     {"d_mean: float", "d_log_variance: float"}, &SlopesOp},
  };
  for (const Op& op : ops) Register(op);
}
`;
