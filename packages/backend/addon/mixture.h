// What a Gaussian mixture says of single weights, of many at a time: in double precision, for the table of mixture-op.cc.

#pragma once
#include <math.h>

#include "call.h"

namespace {

// Places that are worked out together.
const int kSide = 16;

// Components whose density is e^-40 of the greatest one or less take no responsibility.
const double kNegligible = 40;

// exp of numbers in [-kNegligible, 0], to 1e-14; without branches, so that the compiler does several at once.
inline double Exp(double x) {
  const double kRound = 6755399441055744.0;  // 1.5 * 2^52: what is added to it is rounded to a whole number.
  double shifted = x * 1.4426950408889634 + kRound, k = shifted - kRound;
  double r = x - k * 0.6931471805599453;
  // clang-format off
  double e = 1 + r * (1 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720 + r * (1.0 / 5040 +
             r * (1.0 / 40320 + r * (1.0 / 362880 + r * (1.0 / 3628800 + r * (1.0 / 39916800)))))))))));
  // clang-format on
  int64_t bits;
  memcpy(&bits, &shifted, 8);
  bits = static_cast<int64_t>((static_cast<uint64_t>(bits) << 52) + (1023ull << 52));
  double power;
  memcpy(&power, &bits, 8);
  return e * power;
}

struct Mixture {
  int size;
  std::vector<double> means, offsets, precisions;

  explicit Mixture(const Call& call)
      : size(static_cast<int>(call.size(0))),
        means(call.in(0), call.in(0) + size),
        offsets(call.in(1), call.in(1) + size),
        precisions(call.in(2), call.in(2) + size) {}
};

// Of kSide weights: the components' responsibilities, [size, kSide]; which takes most; the greatest exponent and the sum of all
// beside it, of which log p is made; and -d log p / dw.
WIDE void Look(const Mixture& of, const double* __restrict w, double* __restrict taken, int32_t* __restrict most,
               double* __restrict greatest, double* __restrict sum, double* __restrict slope) {
  for (int i = 0; i < kSide; i++) {
    greatest[i] = -INFINITY;
    sum[i] = slope[i] = 0;
    most[i] = 0;
  }
  for (int j = 0; j < of.size; j++) {
    double mean = of.means[j], offset = of.offsets[j], precision = of.precisions[j];
    double* __restrict own = taken + j * kSide;
    for (int i = 0; i < kSide; i++) {
      double d = w[i] - mean, e = offset - 0.5 * precision * d * d;
      own[i] = e;
      most[i] = e > greatest[i] ? j : most[i];
      greatest[i] = e > greatest[i] ? e : greatest[i];
    }
  }
  for (int j = 0; j < of.size; j++) {
    double mean = of.means[j], precision = of.precisions[j];
    double* __restrict own = taken + j * kSide;
    for (int i = 0; i < kSide; i++) {
      double below = own[i] - greatest[i];
      double e = Exp(below > -kNegligible ? below : -kNegligible);
      e = below > -kNegligible ? e : 0;
      own[i] = e;
      sum[i] += e;
      slope[i] += e * precision * (w[i] - mean);
    }
  }
  for (int i = 0; i < kSide; i++) slope[i] /= sum[i];
  for (int j = 0; j < of.size; j++)
    for (int i = 0; i < kSide; i++) taken[j * kSide + i] /= sum[i];
}

}  // namespace
