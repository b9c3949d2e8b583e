// `EspalierAdam`, `EspalierMomentum`, `EspalierDescent`: TensorFlow's `ResourceApply…` in one pass, of large tensors on
// all threads. The same operations in the same order, so the same bits; Adam in a third of the time, for each number is brought into
// the processor once and not in several passes.
//
// Inputs: the weights and their slots, the numbers of the step, the gradient. Outputs: the weights and their slots anew,
// in the same memory where nobody else holds it (TensorFlow counts who does) and the caller gives it away with the call.
//
// `…OfSum` have two gradients, and work with their sum as TensorFlow's `Add` rounds it: that of a loss and that of a penalty.
// `…Masked` take the gradient for 0 where a mask is false, as `EspalierMask` does.

#include <math.h>

#include "call.h"
#include "separate.h"
#include "share.h"

namespace {

typedef float* __restrict Kept;
typedef const float* __restrict Given;

WIDE SEPARATE void Adam(Kept w, Kept m, Kept v, Given g, Given numbers, int64_t n) {
  float rate = numbers[0], keep1 = 1.0f - numbers[1], keep2 = 1.0f - numbers[2], epsilon = numbers[3];
  for (int64_t i = 0; i < n; i++) {
    float first = m[i] + (g[i] - m[i]) * keep1;
    float second = v[i] + (g[i] * g[i] - v[i]) * keep2;
    m[i] = first;
    v[i] = second;
    w[i] = w[i] - (first * rate) / (sqrtf(second) + epsilon);
  }
}

WIDE SEPARATE void Momentum(Kept w, Kept u, Kept, Given g, Given numbers, int64_t n) {
  float rate = numbers[0], momentum = numbers[1];
  bool nesterov = numbers[2] != 0;
  for (int64_t i = 0; i < n; i++) {
    float moved = u[i] * momentum + g[i];
    u[i] = moved;
    w[i] = w[i] - (nesterov ? g[i] * rate + moved * momentum * rate : moved * rate);
  }
}

WIDE SEPARATE void Descent(Kept w, Kept, Kept, Given g, Given numbers, int64_t n) {
  float rate = numbers[0];
  for (int64_t i = 0; i < n; i++) w[i] = w[i] - g[i] * rate;
}

typedef void (*Rule)(Kept, Kept, Kept, Given, Given, int64_t);

// Fewer numbers take less time than to wake a thread.
const int64_t kWorthSharing = 32768;

WIDE SEPARATE void Sum(Given a, Given b, Kept sum, int64_t n) {
  for (int64_t i = 0; i < n; i++) sum[i] = a[i] + b[i];
}

WIDE SEPARATE void Mask(Given g, const uint8_t* mask, Kept masked, int64_t n) {
  for (int64_t i = 0; i < n; i++) masked[i] = mask[i] ? g[i] : 0.0f;
}

// `kept` tensors that are updated, then as many numbers, then so many gradients, one or two, then a mask.
template <Rule rule, int kept, int numbers, int gradients, bool masked>
void Update(void*, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor *state[3] = {nullptr, nullptr, nullptr}, *old = nullptr, *number = nullptr;
  TF_Tensor *gradient[2] = {nullptr, nullptr}, *mask = nullptr;
  float* data[3] = {nullptr, nullptr, nullptr};
  float values[4];
  auto ok = [&]() { return TF_GetCode(status) == TF_OK; };
  auto wrong = [&]() { TF_SetStatus(status, TF_INVALID_ARGUMENT, "an input has another size than its update wants"); };
  for (int i = 0; i < numbers && ok(); i++) {
    TF_GetInput(context, kept + i, &number, status);
    if (!ok()) break;
    if (TF_TensorElementCount(number) == 1) values[i] = *static_cast<float*>(TF_TensorData(number));
    else wrong();
    TF_DeleteTensor(number);
  }
  for (int i = 0; i < gradients && ok(); i++) TF_GetInput(context, kept + numbers + i, &gradient[i], status);
  if (masked && ok()) TF_GetInput(context, kept + numbers + gradients, &mask, status);
  std::vector<int64_t> shape;
  for (int d = 0; ok() && d < TF_NumDims(gradient[0]); d++) shape.push_back(TF_Dim(gradient[0], d));
  int64_t n = ok() ? TF_TensorElementCount(gradient[0]) : 0;
  if (ok() && gradients > 1 && TF_TensorElementCount(gradient[1]) != n) wrong();
  if (ok() && masked && TF_TensorElementCount(mask) != n) wrong();
  for (int i = 0; i < kept && ok(); i++) {
    TF_GetInput(context, i, &old, status);
    if (!ok()) break;
    if (TF_TensorElementCount(old) != n) wrong();
    const void* before = TF_TensorData(old);
    TF_DeleteTensor(old);  // Or else it would not be forwarded. The context still holds it.
    if (!ok()) break;
    int forwarded = -1;
    state[i] = TF_ForwardInputOrAllocateOutput(context, &i, 1, i, shape.data(), static_cast<int>(shape.size()),
                                               &forwarded, status);
    if (!ok()) break;
    data[i] = static_cast<float*>(TF_TensorData(state[i]));
    if (forwarded < 0 && n > 0) memcpy(data[i], before, n * sizeof(float));
  }
  if (ok()) {
    const float* slopes[2] = {nullptr, nullptr};
    for (int i = 0; i < gradients; i++) slopes[i] = static_cast<float*>(TF_TensorData(gradient[i]));
    const uint8_t* held = masked ? static_cast<uint8_t*>(TF_TensorData(mask)) : nullptr;
    auto at = [&](int i, int64_t from) { return data[i] ? data[i] + from : nullptr; };
    Share(n, kWorthSharing, [&](int64_t from, int64_t to) {
      if (gradients == 1 && !masked)
        return rule(at(0, from), at(1, from), at(2, from), slopes[0] + from, values, to - from);
      const int64_t kBlock = 1024;
      float sum[kBlock], left[kBlock];
      for (; from < to; from += kBlock) {
        int64_t count = std::min(kBlock, to - from);
        const float* slope = slopes[0] + from;
        if (gradients == 2) {
          Sum(slope, slopes[1] + from, sum, count);
          slope = sum;
        }
        if (masked) {
          Mask(slope, held + from, left, count);
          slope = left;
        }
        rule(at(0, from), at(1, from), at(2, from), slope, values, count);
      }
    });
  } else {
    TF_OpKernelContext_Failure(context, status);
  }
  for (TF_Tensor* tensor : state)
    if (tensor) TF_DeleteTensor(tensor);
  for (TF_Tensor* tensor : {gradient[0], gradient[1], mask})
    if (tensor) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status);
}

// An update by one gradient and by the sum of two, each with a mask and without.
template <Rule rule, int kept, int numbers>
void RegisterAll(std::vector<const char*> names, std::vector<const char*> inputs, std::vector<const char*> outputs) {
  inputs.push_back("gradient: float");
  Register({names[0], inputs, outputs, &Update<rule, kept, numbers, 1, false>});
  inputs.push_back("mask: bool");
  Register({names[1], inputs, outputs, &Update<rule, kept, numbers, 1, true>});
  inputs.back() = "more: float";
  Register({names[2], inputs, outputs, &Update<rule, kept, numbers, 2, false>});
  inputs.push_back("mask: bool");
  Register({names[3], inputs, outputs, &Update<rule, kept, numbers, 2, true>});
}

}  // namespace

extern "C" void espalier_register_update_ops() {
  RegisterAll<&Adam, 3, 4>(
      {"EspalierAdam", "EspalierAdamMasked", "EspalierAdamOfSum", "EspalierAdamOfSumMasked"},
      {"w: float", "m: float", "v: float", "rate: float", "beta1: float", "beta2: float", "epsilon: float"},
      {"new_w: float", "new_m: float", "new_v: float"});
  RegisterAll<&Momentum, 2, 3>(
      {"EspalierMomentum", "EspalierMomentumMasked", "EspalierMomentumOfSum", "EspalierMomentumOfSumMasked"},
      {"w: float", "u: float", "rate: float", "momentum: float", "nesterov: float"},
      {"new_w: float", "new_u: float"});
  RegisterAll<&Descent, 1, 1>(
      {"EspalierDescent", "EspalierDescentMasked", "EspalierDescentOfSum", "EspalierDescentOfSumMasked"},
      {"w: float", "rate: float"}, {"new_w: float"});
}
