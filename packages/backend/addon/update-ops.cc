// `EspalierAdam`, `EspalierMomentum`, `EspalierDescent`: TensorFlow's `ResourceApply…` in one pass, of large tensors on
// all threads. The same operations in the same order, so the same bits; Adam in a third of the time, for each number is brought into
// the processor once and not in several passes.
//
// Inputs: the weights and their slots, the numbers of the step, the gradient. Outputs: the weights and their slots anew,
// in the same memory where nobody else holds it (TensorFlow counts who does) and the caller gives it away with the call.

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

// `kept` tensors that are updated, then as many numbers, then the gradient.
template <Rule rule, int kept, int numbers>
void Update(void*, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor *state[3] = {nullptr, nullptr, nullptr}, *old = nullptr, *number = nullptr, *gradient = nullptr;
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
  if (ok()) TF_GetInput(context, kept + numbers, &gradient, status);
  std::vector<int64_t> shape;
  for (int d = 0; ok() && d < TF_NumDims(gradient); d++) shape.push_back(TF_Dim(gradient, d));
  int64_t n = ok() ? TF_TensorElementCount(gradient) : 0;
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
    const float* slopes = static_cast<float*>(TF_TensorData(gradient));
    auto at = [&](int i, int64_t from) { return data[i] ? data[i] + from : nullptr; };
    Share(n, kWorthSharing, [&](int64_t from, int64_t to) {
      rule(at(0, from), at(1, from), at(2, from), slopes + from, values, to - from);
    });
  } else {
    TF_OpKernelContext_Failure(context, status);
  }
  for (TF_Tensor* tensor : state)
    if (tensor) TF_DeleteTensor(tensor);
  if (gradient) TF_DeleteTensor(gradient);
  TF_DeleteStatus(status);
}

}  // namespace

extern "C" void espalier_register_update_ops() {
  Register({"EspalierAdam",
            {"w: float", "m: float", "v: float", "rate: float", "beta1: float", "beta2: float", "epsilon: float",
             "gradient: float"},
            {"new_w: float", "new_m: float", "new_v: float"},
            &Update<&Adam, 3, 4>});
  Register({"EspalierMomentum",
            {"w: float", "u: float", "rate: float", "momentum: float", "nesterov: float", "gradient: float"},
            {"new_w: float", "new_u: float"},
            &Update<&Momentum, 2, 3>});
  Register({"EspalierDescent",
            {"w: float", "rate: float", "gradient: float"},
            {"new_w: float"},
            &Update<&Descent, 1, 1>});
}
