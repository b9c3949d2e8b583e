// `EspalierGru` and `EspalierGruGrad`, `EspalierHardGru` and its gradient: a whole sequence through a gated recurrent unit, as
// the layer of TF.js computes it, with tanh and the sigmoid or TF.js's hardSigmoid; it begins with zeros.
//
//   z, r = sigmoid(x_zr + h U_zr),  c = tanh(x_c + (r h) U_c),  h' = z h + (1 - z) c
//
// x [batch, time, 3 units] is what the inputs bring, z first, then r, then c; U [units, 3 units]. Sequences do not need each
// other and are shared out among threads; what comes out does not depend on how many there are.

#include "gemm.h"
#include "share.h"
#include "sigmoid.h"

namespace {

// Sequences that are taken together: two tiles, so that each reads U from the nearest cache half of the time.
const int64_t kTogether = 2 * kTileRows;

struct Sizes {
  int64_t batch, time, units;
  // Distances of a sequence's beginnings.
  int64_t states() const { return time * units; }
  int64_t gates() const { return 3 * time * units; }
};

// h' from the gates, and r h before it.
WIDE void Reset(const float* r, const float* h, float* reset, int64_t n) {
  for (int64_t i = 0; i < n; i++) reset[i] = r[i] * h[i];
}

WIDE void Mix(const float* z, const float* h, const float* c, float* next, int64_t n) {
  for (int64_t i = 0; i < n; i++) next[i] = z[i] * h[i] + (1.0f - z[i]) * c[i];
}

template <bool hard>
void Gate(float* x, int64_t n) {
  if (hard) HardSigmoid(x, n);
  else Sigmoid(x, n);
}

template <bool hard>
void Forward(const Sizes& n, const float* x, const float* u, float* states, float* gates, int64_t from, int64_t to) {
  std::vector<float> zeros(n.units, 0.0f), reset(kTogether * n.units);
  for (int64_t first = from; first < to; first += kTogether) {
    int64_t rows = std::min(kTogether, to - first);
    for (int64_t t = 0; t < n.time; t++) {
      float* gate = gates + first * n.gates() + t * 3 * n.units;
      float* state = states + first * n.states() + t * n.units;
      for (int64_t i = 0; i < rows; i++)
        memcpy(gate + i * n.gates(), x + (gate - gates) + i * n.gates(), 3 * n.units * sizeof(float));
      Left before = {state - n.units, n.states(), 1};
      if (t > 0) AddProduct(rows, 2 * n.units, n.units, before, u, 3 * n.units, gate, n.gates());
      for (int64_t i = 0; i < rows; i++) {
        float* zr = gate + i * n.gates();
        Gate<hard>(zr, 2 * n.units);
        if (t > 0) Reset(zr + n.units, before.From(i).at, reset.data() + i * n.units, n.units);
      }
      Left kept = {reset.data(), n.units, 1};
      if (t > 0) AddProduct(rows, n.units, n.units, kept, u + 2 * n.units, 3 * n.units, gate + 2 * n.units, n.gates());
      for (int64_t i = 0; i < rows; i++) {
        float* z = gate + i * n.gates();
        float* c = z + 2 * n.units;
        Tanh(c, n.units);
        Mix(z, t > 0 ? before.From(i).at : zeros.data(), c, state + i * n.states(), n.units);
      }
    }
  }
}

template <bool hard>
inline float Slope(float gate) {
  return hard ? (gate > 0.0f && gate < 1.0f ? 0.2f : 0.0f) : gate * (1.0f - gate);
}

// From dh, the gradient of h', those of z's and c's sums, and what of dh goes to h at once.
template <bool hard>
WIDE void MixSlopes(const float* zrc, const float* h, float* dh, float* slopes, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    float z = zrc[i], c = zrc[2 * n + i], d = dh[i];
    slopes[i] = d * (h[i] - c) * Slope<hard>(z);
    slopes[2 * n + i] = d * (1.0f - z) * (1.0f - c * c);
    dh[i] = d * z;
  }
}

// From that of r h, that of r's sum.
template <bool hard>
WIDE void ResetSlopes(const float* r, const float* h, const float* kept, float* dh, float* slopes, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    slopes[i] = kept[i] * h[i] * Slope<hard>(r[i]);
    dh[i] += kept[i] * r[i];
  }
}

WIDE void AddTo(float* sum, const float* x, int64_t n) {
  for (int64_t i = 0; i < n; i++) sum[i] += x[i];
}

// dx of these sequences; back is U with rows and columns exchanged.
template <bool hard>
void Backward(const Sizes& n, const float* dy, const float* back, const float* states, const float* gates, float* dx,
              int64_t from, int64_t to) {
  std::vector<float> zeros(n.units, 0.0f), dh(kTogether * n.units), kept(kTogether * n.units);
  for (int64_t first = from; first < to; first += kTogether) {
    int64_t rows = std::min(kTogether, to - first);
    std::fill(dh.begin(), dh.end(), 0.0f);
    for (int64_t t = n.time - 1; t >= 0; t--) {
      int64_t at = first * n.gates() + t * 3 * n.units;
      const float* before = t > 0 ? states + first * n.states() + (t - 1) * n.units : nullptr;
      auto h = [&](int64_t i) { return before ? before + i * n.states() : zeros.data(); };
      for (int64_t i = 0; i < rows; i++) {
        float* own = dh.data() + i * n.units;
        AddTo(own, dy + (first + i) * n.states() + t * n.units, n.units);
        MixSlopes<hard>(gates + at + i * n.gates(), h(i), own, dx + at + i * n.gates(), n.units);
      }
      std::fill(kept.begin(), kept.end(), 0.0f);
      Left inner = {dx + at + 2 * n.units, n.gates(), 1}, outer = {dx + at, n.gates(), 1};
      if (t > 0) AddProduct(rows, n.units, n.units, inner, back + 2 * n.units * n.units, n.units, kept.data(), n.units);
      for (int64_t i = 0; i < rows; i++) {
        int64_t r = at + i * n.gates() + n.units, own = i * n.units;
        ResetSlopes<hard>(gates + r, h(i), kept.data() + own, dh.data() + own, dx + r, n.units);
      }
      if (t > 0) AddProduct(rows, n.units, 2 * n.units, outer, back, n.units, dh.data(), n.units);
    }
  }
}

// The rows [from, to) of dU: what was multiplied with U, over all sequences and times, times dx.
void WeightSlopes(const Sizes& n, const float* states, const float* reset, const float* dx, float* du, int64_t from,
                  int64_t to) {
  const int64_t all = n.batch * n.time, width = 3 * n.units;
  Left outer = {states + from, 1, n.units}, inner = {reset + from, 1, n.units};
  float* c = du + from * width;
  AddProduct(to - from, 2 * n.units, all, outer, dx, width, c, width);
  AddProduct(to - from, n.units, all, inner, dx + 2 * n.units, width, c + 2 * n.units, width);
}

// Inputs: x, U; outputs: h' of all times, and z, r, c.
template <bool hard>
void GruOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  Sizes n = {call.dim(0, 0), call.dim(0, 1), call.dim(1, 0)};
  if (!call.Sizes({n.batch * n.gates(), n.units * 3 * n.units})) return;
  float* states = call.Shaped(0, {n.batch, n.time, n.units});
  float* gates = call.ok() ? call.Like(1) : nullptr;
  if (!call.ok()) return;
  Share(n.batch, kTileRows, [&](int64_t from, int64_t to) {
    Forward<hard>(n, call.in(0), call.in(1), states, gates, from, to);
  });
}

// Inputs: the gradient of h' of all times, U, h', and z, r, c; outputs: the gradients of x and of U.
template <bool hard>
void GruGradOp(void*, TF_OpKernelContext* context) {
  Call call(context);
  if (!call.ok()) return;
  Sizes n = {call.dim(0, 0), call.dim(0, 1), call.dim(1, 0)};
  int64_t all = n.batch * n.states();
  if (!call.Sizes({all, n.units * 3 * n.units, all, 3 * all})) return;
  float* dx = call.LikeInput(0, 3);
  float* du = call.ok() ? call.LikeInput(1, 1) : nullptr;
  if (!call.ok()) return;
  const float *dy = call.in(0), *u = call.in(1), *states = call.in(2), *gates = call.in(3);
  std::vector<float> back(n.units * 3 * n.units), before(all), reset(all);
  for (int64_t i = 0; i < n.units; i++)
    for (int64_t j = 0; j < 3 * n.units; j++) back[j * n.units + i] = u[i * 3 * n.units + j];
  Share(n.batch, kTileRows, [&](int64_t from, int64_t to) {
    Backward<hard>(n, dy, back.data(), states, gates, dx, from, to);
    for (int64_t i = from; i < to; i++)
      for (int64_t t = 1; t < n.time; t++) {
        int64_t at = i * n.states() + t * n.units;
        memcpy(&before[at], states + at - n.units, n.units * sizeof(float));
        Reset(gates + 3 * at + n.units, &before[at], &reset[at], n.units);
      }
  });
  memset(du, 0, 3 * n.units * n.units * sizeof(float));
  Share(n.units, kTileRows, [&](int64_t from, int64_t to) {
    WeightSlopes(n, before.data(), reset.data(), dx, du, from, to);
  });
}

}  // namespace

extern "C" void espalier_register_gru_ops() {
  Register({"EspalierGru", {"x: float", "u: float"}, {"h: float", "gates: float"}, &GruOp<false>});
  Register({"EspalierHardGru", {"x: float", "u: float"}, {"h: float", "gates: float"}, &GruOp<true>});
  for (bool hard : {false, true})
    Register({hard ? "EspalierHardGruGrad" : "EspalierGruGrad",
              {"dy: float", "u: float", "h: float", "gates: float"},
              {"dx: float", "du: float"},
              hard ? &GruGradOp<true> : &GruGradOp<false>});
}
