// Ops for Bayesian compression (Louizos, Ullrich & Welling 2017): the KL
// divergence of group scales from their prior, with what it makes of the weights' and its gradients. One number per group
// each; `energy` is Σ (μ² + σ²) of a group's weights, `size` how many there are, 0 where the group is pruned.
//
// - `EspalierJeffreysKl`: log α, energy, size → value, 1/z², ∂(log α); z² is energy / size, where the KL is least
// - `EspalierHorseshoeKl`: μ_a, log σ_a², μ_b, log σ_b² of the layer [4]; μ and log σ² of α and of β; energy, size;
//   log τ₀ → value, 1/z², and the five gradients; log z² = Σ μ + Σ σ²/4
//
// The value is the scales' KL and Σ ½ (energy / z² + size (log z² - 1)); 1/z² is 0 where a group is pruned.

#include <math.h>

#include "call.h"

namespace {

// Molchanov, Ashukha & Vetrov (2017), eq. 14.
const double k1 = 0.63576, k2 = 1.8732, k3 = 1.48695;

double Logistic(double x) { return 1 / (1 + exp(-x)); }
double Softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

void JeffreysOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.ok() ? call.size(0) : 0;
  if (!call.ok() || !call.Sizes({n, n, n})) return;
  float *value = call.Vector(0, 1), *rate = call.Vector(1, n), *gradient = call.Vector(2, n);
  if (!call.ok()) return;
  double total = 0;
  for (int64_t i = 0; i < n; i++) {
    double x = call.in(0)[i], energy = call.in(1)[i], size = call.in(2)[i];
    if (size <= 0) continue;
    double y = k2 + k3 * x, fall = Logistic(-y);
    double square = energy / fmax(1, size) + 1e-20;
    total += k1 * fall + 0.5 * Softplus(-x) + 0.5 * (energy / square + size * (log(square) - 1));
    gradient[i] = static_cast<float>(-k1 * k3 * Logistic(y) * fall - 0.5 * Logistic(-x));
    rate[i] = static_cast<float>(1 / square);
  }
  *value = static_cast<float>(total);
}

// log k + exp(sign mean + variance/2) / k^2 - (sign mean + log variance + 1 + log 2) / 2, and its slopes.
struct LogNormal {
  double value, by_mean, by_log_variance, spread;
  LogNormal(double mean, double log_variance, double sign, double log_scale) {
    double half = exp(log_variance) / 2, rise = exp(sign * mean + half - log_scale);
    value = log_scale / 2 + rise - (sign * mean + log_variance + 1 + M_LN2) / 2;
    by_mean = sign * (rise - 0.5);
    by_log_variance = rise * half - 0.5;
    spread = half / 2;
  }
};

void HorseshoeOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  int64_t n = call.ok() && call.count() > 1 ? call.size(1) : 0;
  if (!call.ok() || !call.Sizes({4, n, n, n, n, n, n, 1})) return;
  float *value = call.Vector(0, 1), *rate = call.Vector(1, n), *global = call.Vector(2, 4);
  float *by_alpha = call.Vector(3, n), *by_alpha_log = call.Vector(4, n);
  float *by_beta = call.Vector(5, n), *by_beta_log = call.Vector(6, n);
  if (!call.ok()) return;
  const float* g = call.in(0);
  LogNormal a(g[0], g[1], 1, 2.0 * call.in(7)[0]), b(g[2], g[3], -1, 0);
  double total = a.value + b.value, slopes = 0;
  for (int64_t i = 0; i < n; i++) {
    double energy = call.in(5)[i], size = call.in(6)[i];
    if (size <= 0) continue;
    LogNormal alpha(call.in(1)[i], call.in(2)[i], 1, 0), beta(call.in(3)[i], call.in(4)[i], -1, 0);
    double mean = static_cast<double>(g[0]) + g[2] + call.in(1)[i] + call.in(3)[i];
    double square = exp(mean + a.spread + b.spread + alpha.spread + beta.spread) + 1e-30;
    total += alpha.value + beta.value + 0.5 * (energy / square + size * (log(square) - 1));
    // d/d log z^2 of the weights' part.
    double slope = 0.5 * (size - energy / square);
    slopes += slope;
    rate[i] = static_cast<float>(1 / square);
    by_alpha[i] = static_cast<float>(alpha.by_mean + slope);
    by_alpha_log[i] = static_cast<float>(alpha.by_log_variance + slope * alpha.spread);
    by_beta[i] = static_cast<float>(beta.by_mean + slope);
    by_beta_log[i] = static_cast<float>(beta.by_log_variance + slope * beta.spread);
  }
  *value = static_cast<float>(total);
  global[0] = static_cast<float>(a.by_mean + slopes);
  global[1] = static_cast<float>(a.by_log_variance + slopes * a.spread);
  global[2] = static_cast<float>(b.by_mean + slopes);
  global[3] = static_cast<float>(b.by_log_variance + slopes * b.spread);
}

}  // namespace

extern "C" void espalier_register_scale_kl_ops() {
  Register({"EspalierJeffreysKl",
            {"log_rate: float", "energy: float", "size: float"},
            {"value: float", "rate: float", "d_log_rate: float"},
            &JeffreysOp});
  Register({"EspalierHorseshoeKl",
            {"global: float", "alpha_mean: float", "alpha_log_variance: float", "beta_mean: float",
             "beta_log_variance: float", "energy: float", "size: float", "log_tau: float"},
            {"value: float", "rate: float", "d_global: float", "d_alpha_mean: float", "d_alpha_log_variance: float",
             "d_beta_mean: float", "d_beta_log_variance: float"},
            &HorseshoeOp});
}
