// An op for soft weight-sharing (Nowlan & Hinton 1992): `EspalierMixture`, what a Gaussian mixture says of very
// many weights.
//
// Inputs: means, offsets (log π + γ/2 - log(2π)/2) and precisions, [J] each; held and scale, []; the weights, any
// number of tensors. Outputs: Σ -log p, the weights that component 0 takes most of, and of each component Σ r,
// Σ r (w - μ) and Σ r (w - μ)², [2 + 3 J] in all; and of each tensor scale · Σ r λ (w - μ). Weights that are held are exactly 0 and
// left out of the sums.
//
// The gradient by one weight is a function of that number alone: it is tabulated over the weights' range, in double
// precision, and interpolated; for the sums it is enough to know how many weights lie in each cell of the table and
// what their mean is. So a weight costs two look-ups, whatever J is.

#include <math.h>

#include <algorithm>

#include "call.h"

namespace {

// Cells per standard deviation of the narrowest component; the number of cells is a multiple of kUnit.
const double kFineness = 10;
const int kUnit = 4096, kMost = 8 * kUnit;
// Components whose density is e^-40 of the greatest one or less take no responsibility.
const double kNegligible = 40;
const int kLanes = 4, kBlock = 1024;

// exp of numbers in [-kNegligible, 0], to 1e-14; without branches, so that the compiler does several at once.
inline double Exp(double x) {
  const double kRound = 6755399441055744.0;  // 1.5 * 2^52: what is added to it is rounded to a whole number.
  double shifted = x * 1.4426950408889634 + kRound, k = shifted - kRound;
  double r = x - k * 0.6931471805599453;
  // clang-format off
  double e = 1 + r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5 * (1 + r / 6 * (1 + r / 7 * (1 + r / 8 *
             (1 + r / 9 * (1 + r / 10 * (1 + r / 11))))))))));
  // clang-format on
  int64_t bits;
  memcpy(&bits, &shifted, 8);
  bits = static_cast<int64_t>((static_cast<uint64_t>(bits) << 52) + (1023ull << 52));
  double power;
  memcpy(&power, &bits, 8);
  return e * power;
}

// Responsibilities of the components in a weight, [size]; log p, and -d log p / dw.
WIDE int Visit(double w, int size, const double* means, const double* offsets, const double* precisions, double* taken,
               double* log_density, double* slope) {
  double greatest = -INFINITY, sum = 0, rise = 0;
  int most = 0;
  for (int j = 0; j < size; j++) {
    double d = w - means[j];
    taken[j] = offsets[j] - 0.5 * precisions[j] * d * d;
  }
  for (int j = 0; j < size; j++) {
    if (taken[j] > greatest) {
      greatest = taken[j];
      most = j;
    }
  }
  for (int j = 0; j < size; j++) {
    double below = taken[j] - greatest;
    double e = Exp(below > -kNegligible ? below : -kNegligible);
    taken[j] = below > -kNegligible ? e : 0;
  }
  for (int j = 0; j < size; j++) sum += taken[j];
  double inverse = 1 / sum;
  for (int j = 0; j < size; j++) taken[j] *= inverse;
  for (int j = 0; j < size; j++) rise += taken[j] * precisions[j] * (w - means[j]);
  *slope = rise;
  *log_density = greatest + log(sum);
  return most;
}

struct Mixture {
  int size;
  std::vector<double> means, offsets, precisions, taken;
  double log, slope;
  int most;

  explicit Mixture(const Call& call)
      : size(static_cast<int>(call.size(0))),
        means(call.in(0), call.in(0) + size),
        offsets(call.in(1), call.in(1) + size),
        precisions(call.in(2), call.in(2) + size),
        taken(size) {}

  void Look(double w) {
    most = Visit(w, size, means.data(), offsets.data(), precisions.data(), taken.data(), &log, &slope);
  }
};

WIDE void Range(const float* w, int64_t n, float* least, float* greatest) {
  const int kSide = 16;
  float low[kSide], high[kSide];
  for (int k = 0; k < kSide; k++) {
    low[k] = *least;
    high[k] = *greatest;
  }
  int64_t i = 0;
  for (; i + kSide <= n; i += kSide) {
    for (int k = 0; k < kSide; k++) {
      low[k] = w[i + k] < low[k] ? w[i + k] : low[k];
      high[k] = w[i + k] > high[k] ? w[i + k] : high[k];
    }
  }
  for (int k = 0; i < n; i++, k++) {
    low[k] = w[i] < low[k] ? w[i] : low[k];
    high[k] = w[i] > high[k] ? w[i] : high[k];
  }
  *least = *std::min_element(low, low + kSide);
  *greatest = *std::max_element(high, high + kSide);
}

// Weights that are not finite are in the first cell.
WIDE void Cells(const float* w, int64_t n, double low, double per_unit, int32_t last, int32_t* cells) {
  for (int64_t i = 0; i < n; i++) {
    double place = (w[i] - low) * per_unit;
    int32_t cell = static_cast<int32_t>(place);
    cell = cell < 0 ? 0 : cell;
    cells[i] = cell > last ? last : cell;
  }
}

typedef double Pair __attribute__((vector_size(16)));

// Gradients by the cells' lines, and what lies in each cell: how many, and their sum. Neighbours that fall into one
// cell are counted in lanes of their own: they need not wait for each other.
void Pass(const float* w, const int32_t* cells, int64_t n, const Pair* lines, Pair* moments, float* gradient) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int lane = 0; lane < kLanes; lane++) {
      double x = w[i + lane];
      int32_t cell = cells[i + lane];
      moments[cell * kLanes + lane] += Pair{1.0, x};
      gradient[i + lane] = static_cast<float>(lines[cell][0] + lines[cell][1] * x);
    }
  }
  for (; i < n; i++) {
    moments[cells[i] * kLanes] += Pair{1.0, w[i]};
    gradient[i] = static_cast<float>(lines[cells[i]][0] + lines[cells[i]][1] * w[i]);
  }
}

void MixtureOp(void*, TF_OpKernelContext* context) {
  const int kWeights = 5;
  Call call(context);
  int64_t size = call.ok() ? call.size(0) : 0;
  if (!call.ok() || !call.Sizes({size, size, size, 1, 1})) return;
  float* result = call.Vector(0, 2 + 3 * size);
  std::vector<float*> gradients;
  for (int t = kWeights; t < call.count() && call.ok(); t++) gradients.push_back(call.LikeInput(t - kWeights + 1, t));
  if (!call.ok()) return;
  Mixture mixture(call);
  double held = call.in(3)[0], scale = call.in(4)[0];

  float least = 0, greatest = 0;
  Range(call.in(0), size, &least, &greatest);
  for (int t = kWeights; t < call.count(); t++) Range(call.in(t), call.size(t), &least, &greatest);
  double margin = 0.02 * (static_cast<double>(greatest) - least);
  if (!(margin > 0)) margin = 1e-3;
  double low = least - margin, range = greatest + margin - low;
  double narrowest = *std::max_element(mixture.precisions.begin(), mixture.precisions.end());
  double wanted = ceil(range * kFineness * sqrt(narrowest) / kUnit) * kUnit;
  // (Not a number comes out of weights that are none, in one cell.)
  int cells = !(wanted > kUnit) ? kUnit : wanted > kMost ? kMost : static_cast<int>(wanted);
  double step = range / cells, per_unit = 1 / step;
  std::vector<Pair> lines(cells), moments(cells * kLanes);
  mixture.Look(low);
  double before = mixture.slope * scale;
  for (int k = 0; k < cells; k++) {
    mixture.Look(low + (k + 1) * step);
    double after = mixture.slope * scale, rise = (after - before) / step;
    lines[k] = Pair{before - rise * (low + k * step), rise};
    before = after;
  }

  int32_t at[kBlock];
  for (int t = kWeights; t < call.count(); t++) {
    const float* w = call.in(t);
    int64_t n = call.size(t);
    for (int64_t from = 0; from < n; from += kBlock) {
      int64_t count = n - from < kBlock ? n - from : kBlock;
      Cells(w + from, count, low, per_unit, cells - 1, at);
      Pass(w + from, at, count, lines.data(), moments.data(), gradients[t - kWeights] + from);
    }
  }

  double loss = 0, zeros = 0;
  std::vector<double> taken(size), first(size), second(size);
  int zero = static_cast<int>(fmin(fmax((0 - low) * per_unit, 0), cells - 1));
  for (int k = 0; k < cells; k++) {
    double count = k == zero ? -held : 0, sum = 0;
    for (int lane = 0; lane < kLanes; lane++) {
      count += moments[k * kLanes + lane][0];
      sum += moments[k * kLanes + lane][1];
    }
    if (count <= 0) continue;
    // The weights of a cell count as so many at their mean; what they scatter around it, if they lie evenly, is added
    // to the second moments.
    double mean = sum / count, scatter = (count - 1) * step * step / 12;
    mixture.Look(mean);
    loss -= count * mixture.log;
    if (mixture.most == 0) zeros += count;
    for (int64_t j = 0; j < size; j++) {
      double r = mixture.taken[j], d = mean - mixture.means[j];
      taken[j] += count * r;
      first[j] += count * r * d;
      second[j] += count * r * d * d + scatter * r;
    }
  }
  result[0] = static_cast<float>(loss);
  result[1] = static_cast<float>(zeros);
  for (int64_t j = 0; j < size; j++) {
    result[2 + j] = static_cast<float>(taken[j]);
    result[2 + size + j] = static_cast<float>(first[j]);
    result[2 + 2 * size + j] = static_cast<float>(second[j]);
  }
}

}  // namespace

extern "C" void espalier_register_mixture_op() {
  Register(
      {"EspalierMixture",
       {"means: float", "offsets: float", "precisions: float", "held: float", "scale: float", "weights: N * float"},
       {"sums: float", "slopes: N * float"},
       &MixtureOp,
       "N: int >= 1"});
}
