// Ops for Bayesian compression (Louizos, Ullrich & Welling 2017): what a dense layer's Gaussian posterior, with groups
// on inputs, adds to the KL divergence, and its slopes. Weights `[groups, units]`, biases `[units]`; `mask`, `biasMask` 0
// where something is pruned, or empty; no log σ² is greater than `most`, `[1]`.
//
// - `EspalierPosteriorSums`: μ, σ², log σ², mask, bias μ, bias log σ², bias mask, most → of each group Σ (μ² + σ²) and
//   how many weights there are; the KL but for what the groups' scales make of these; its gradients by the biases
// - `EspalierPosteriorSlopes`: μ, σ², log σ², mask, rate of each group, factor, most → factor · rate μ and
//   factor (rate σ² - 1) / 2, of which those that lead further up are 0 where log σ² is as great as it may be

#include <math.h>

#include "call.h"
#include "gaussian.h"

namespace {

WIDE void RowSums(const float* mean, const float* variance, const float* logs, const float* mask, float most,
                  int64_t columns, float* energy, float* size, double* log_sum) {
  const int kLanes = 16;
  float e[kLanes] = {0}, l[kLanes] = {0}, s[kLanes] = {0};
  int64_t c = 0;
  if (mask == nullptr) {
    for (; c + kLanes <= columns; c += kLanes) {
      for (int i = 0; i < kLanes; i++) {
        e[i] += mean[c + i] * mean[c + i] + variance[c + i];
        l[i] += logs[c + i] < most ? logs[c + i] : most;
      }
    }
    s[0] = static_cast<float>(c);
  } else {
    for (; c + kLanes <= columns; c += kLanes) {
      for (int i = 0; i < kLanes; i++) {
        float m = mask[c + i];
        e[i] += m * (mean[c + i] * mean[c + i] + variance[c + i]);
        l[i] += m * (logs[c + i] < most ? logs[c + i] : most);
        s[i] += m;
      }
    }
  }
  for (int i = 0; c < columns; c++, i++) {
    float m = mask ? mask[c] : 1;
    e[i] += m * (mean[c] * mean[c] + variance[c]);
    l[i] += m * (logs[c] < most ? logs[c] : most);
    s[i] += m;
  }
  double total = 0, all = 0;
  for (int i = 0; i < kLanes; i++) {
    total += e[i];
    all += s[i];
    *log_sum += l[i];
  }
  *energy = static_cast<float>(total);
  *size = static_cast<float>(all);
}

WIDE void Hold(const float* logs, float most, int64_t n, float* dlog) {
  for (int64_t i = 0; i < n; i++) dlog[i] = logs[i] >= most && dlog[i] < 0 ? 0 : dlog[i];
}

WIDE void Times(const float* mask, int64_t n, float* a, float* b) {
  for (int64_t i = 0; i < n; i++) {
    a[i] *= mask[i];
    b[i] *= mask[i];
  }
}

// The input, or nullptr where it is empty.
const float* Optional(const Call& call, int i) { return call.size(i) == 0 ? nullptr : call.in(i); }

void SumsOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || call.count() != 8) return;
  int64_t masked = call.size(3), biases = call.size(4), bias_masked = call.size(6);
  if (!call.Sizes({n, n, n, masked ? n : 0, biases, biases, bias_masked ? biases : 0, 1})) return;
  float *energy = call.Vector(0, call.rows), *size = call.Vector(1, call.rows), *rest = call.Vector(2, 1);
  float *dbias = call.Vector(3, biases), *dlog = call.Vector(4, biases);
  if (!call.ok()) return;
  const float *mask = Optional(call, 3), *bias_mask = Optional(call, 6);
  float most = call.in(7)[0];
  double total = 0;
  for (int64_t r = 0, i = 0; r < call.rows; r++, i += call.columns) {
    RowSums(call.in(0) + i, call.in(1) + i, call.in(2) + i, mask ? mask + i : nullptr, most, call.columns, energy + r,
            size + r, &total);
  }
  for (int64_t i = 0; i < biases; i++) {
    double b = call.in(4)[i], raw = call.in(5)[i], log = fmin(raw, most), variance = exp(log);
    double kept = bias_mask ? bias_mask[i] : 1;
    total += kept * (log + 1 - b * b - variance);
    dbias[i] = static_cast<float>(kept * b);
    double slope = kept * (variance - 1) / 2;
    dlog[i] = static_cast<float>(raw >= most && slope < 0 ? 0 : slope);
  }
  *rest = static_cast<float>(-total / 2);
}

void SlopesOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.rows * call.columns;
  if (!call.ok() || call.count() != 7) return;
  if (!call.Sizes({n, n, n, call.size(3) ? n : 0, call.rows, 1, 1})) return;
  float *dmean = call.Like(0), *dlog = call.Like(1);
  if (!call.ok()) return;
  float factor = call.in(5)[0], most = call.in(6)[0];
  for (int64_t r = 0, i = 0; r < call.rows; r++, i += call.columns) {
    Slopes(call.in(0) + i, call.in(1) + i, factor * call.in(4)[r], factor, call.columns, dmean + i, dlog + i);
  }
  if (const float* mask = Optional(call, 3)) Times(mask, n, dmean, dlog);
  if (most < INFINITY) Hold(call.in(2), most, n, dlog);
}

}  // namespace

extern "C" void espalier_register_posterior_ops() {
  Register({"EspalierPosteriorSums",
            {"mean: float", "variance: float", "log_variance: float", "mask: float", "bias: float",
             "bias_log_variance: float", "bias_mask: float", "most: float"},
            {"energy: float", "size: float", "rest: float", "d_bias: float", "d_bias_log_variance: float"},
            &SumsOp});
  Register({"EspalierPosteriorSlopes",
            {"mean: float", "variance: float", "log_variance: float", "mask: float", "rate: float", "factor: float",
             "most: float"},
            {"d_mean: float", "d_log_variance: float"},
            &SlopesOp});
}
