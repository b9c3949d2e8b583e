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
// what their mean is. So a weight costs two look-ups, whatever J is. Places within cells are added up as whole numbers, and the cells
// by as many at a time: what comes out does not depend on how many threads there are.

#include <math.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "call.h"
#include "mixture.h"
#include "share.h"

namespace {

// Cells per standard deviation of the narrowest component; the number of cells is a multiple of kUnit.
const double kFineness = 10;
const int kUnit = 4096, kMost = 8 * kUnit;
const int kLanes = 4, kBlock = 1024;
// Fewer weights, or cells, take less time than to wake a thread.
const int64_t kWorthSharing = 65536, kWorthCells = 1024;
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

// Where weights lie: in which cell, and how far between its ends; that in whole numbers, too, of which each weight is kOne more.
// Weights that are not finite are in the first cell.
struct Places {
  int32_t cells[kBlock];
  float between[kBlock];
  uint32_t parts[kBlock];
};
const int kPartBits = 16, kCountShift = 40;
const uint64_t kOne = 1ull << kCountShift;

WIDE bool Locate(const float* __restrict w, int64_t n, double low, double per_unit, int32_t last,
                 Places* __restrict places) {
  int32_t wrong = 0;
  for (int64_t i = 0; i < n; i++) {
    double place = (w[i] - low) * per_unit;
    int32_t cell = static_cast<int32_t>(place);
    cell = cell < 0 ? 0 : cell;
    cell = cell > last ? last : cell;
    double between = place - cell;
    double inside = between > 0 ? between : 0;
    inside = inside < 1 ? inside : 1;
    places->cells[i] = cell;
    places->between[i] = static_cast<float>(between);
    places->parts[i] = static_cast<uint32_t>(static_cast<int32_t>(inside * (1 << kPartBits) + 0.5));
    wrong |= place != place;
  }
  return !wrong;
}

// The gradient in a cell.
struct Line {
  float start, rise;
};

// Gradients by the cells' lines, and what lies in each cell: how many, and where. Neighbours that fall into one
// cell are counted in lanes of their own: they need not wait for each other.
void Pass(const Places& at, int64_t n, const Line* lines, uint64_t* counts, float* gradient) {
  auto one = [&](int64_t i, int lane) {
    int32_t cell = at.cells[i];
    counts[cell * kLanes + lane] += kOne | at.parts[i];
    gradient[i] = lines[cell].start + lines[cell].rise * at.between[i];
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int lane = 0; lane < kLanes; lane++) one(i + lane, lane);
  for (; i < n; i++) one(i, 0);
}

// What cells that are not empty hold.
struct Held {
  std::vector<double> mean, count;
};

// What the mixture says of these cells, on top of what is there: -log p, the weights of component 0, and of each component Σ r,
// Σ r (w - μ) and Σ r (w - μ)². The weights of a cell count as so many at their mean; what they scatter around it, if they lie evenly,
// is added to the second moments.
void AddUp(const Mixture& of, const Held& held, size_t from, size_t to, double step, double* result) {
  const int size = of.size;
  std::vector<double> taken(size * kSide);
  double greatest[kSide], sum[kSide], slope[kSide], w[kSide];
  int32_t most[kSide];
  for (; from < to; from += kSide) {
    const int count = static_cast<int>(std::min<size_t>(kSide, to - from));
    for (int i = 0; i < kSide; i++) w[i] = held.mean[from + std::min(i, count - 1)];
    Look(of, w, taken.data(), most, greatest, sum, slope);
    for (int i = 0; i < count; i++) {
      result[0] -= held.count[from + i] * (greatest[i] + log(sum[i]));
      if (most[i] == 0) result[1] += held.count[from + i];
    }
    for (int j = 0; j < size; j++)
      for (int i = 0; i < count; i++) {
        double n = held.count[from + i], r = taken[j * kSide + i], d = w[i] - of.means[j];
        result[2 + j] += n * r;
        result[2 + size + j] += n * r * d;
        result[2 + 2 * size + j] += n * r * d * d + (n - 1) * step * step / 12 * r;
      }
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
  double without = call.in(3)[0], scale = call.in(4)[0];

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

  std::vector<double> slopes(cells + kSide);
  Share(cells + kSide, kWorthCells, [&](int64_t from, int64_t to) {
    std::vector<double> taken(size * kSide);
    double w[kSide], highest[kSide], sum[kSide];
    int32_t most[kSide];
    for (; from < to; from += kSide) {
      for (int i = 0; i < kSide; i++) w[i] = low + (from + i) * step;
      Look(mixture, w, taken.data(), most, highest, sum, &slopes[from]);
    }
  });
  std::vector<Line> lines(cells);
  for (int k = 0; k < cells; k++) {
    double before = slopes[k] * scale, after = slopes[k + 1] * scale;
    lines[k] = {static_cast<float>(before), static_cast<float>(after - before)};
  }

  // All tensors one after the other, shared out among threads: how many weights are before each.
  std::vector<int64_t> before = {0};
  for (int t = kWeights; t < call.count(); t++) before.push_back(before.back() + call.size(t));
  std::vector<uint64_t> counts(cells), wholes(cells);
  std::mutex mutex;
  bool finite = true;
  Share(before.back(), kWorthSharing, [&](int64_t from, int64_t to) {
    std::vector<uint64_t> own(cells * kLanes);
    std::unique_ptr<Places> places(new Places());
    bool known = true;
    for (size_t t = 0; t + 1 < before.size(); t++) {
      for (int64_t i = std::max(from, before[t]); i < std::min(to, before[t + 1]); i += kBlock) {
        int64_t at = i - before[t], n = std::min<int64_t>(kBlock, std::min(to, before[t + 1]) - i);
        known = Locate(call.in(kWeights + t) + at, n, low, per_unit, cells - 1, places.get()) && known;
        Pass(*places, n, lines.data(), own.data(), gradients[t] + at);
      }
    }
    std::lock_guard<std::mutex> lock(mutex);
    finite = finite && known;
    for (int k = 0; k < cells; k++)
      for (int lane = 0; lane < kLanes; lane++) {
        counts[k] += own[k * kLanes + lane] >> kCountShift;
        wholes[k] += own[k * kLanes + lane] & (kOne - 1);
      }
  });

  std::unique_ptr<Places> zero(new Places());
  const float nothing = 0;
  Locate(&nothing, 1, low, per_unit, cells - 1, zero.get());
  Held held;
  for (int k = 0; k < cells; k++) {
    double out = k == zero->cells[0] ? without : 0;
    double count = counts[k] - out, whole = wholes[k] - out * zero->parts[0];
    if (count <= 0) continue;
    held.count.push_back(count);
    held.mean.push_back(low + (k + whole / count / (1 << kPartBits)) * step);
  }
  // So many at a time, whoever adds them up.
  const int64_t kTogether = 32 * kSide, parts = (held.count.size() + kTogether - 1) / kTogether;
  std::vector<double> sums(parts * (2 + 3 * size)), all(2 + 3 * size);
  Share(parts, 2, [&](int64_t from, int64_t to) {
    for (; from < to; from++) {
      size_t end = std::min<size_t>(held.count.size(), (from + 1) * kTogether);
      AddUp(mixture, held, from * kTogether, end, step, &sums[from * (2 + 3 * size)]);
    }
  });
  for (size_t i = 0; i < sums.size(); i++) all[i % all.size()] += sums[i];
  if (!finite) all[0] = NAN;
  for (size_t i = 0; i < all.size(); i++) result[i] = static_cast<float>(all[i]);
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
