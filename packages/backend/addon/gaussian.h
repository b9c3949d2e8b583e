// Slopes of ½ Σ (rate (μ² + σ²) - factor log σ²), what the energy of Gaussian weights adds to a KL divergence, by μ
// and by log σ².

#pragma once
#include <stdint.h>

#include "call.h"

namespace {

WIDE void Slopes(const float* mean, const float* variance, float rate, float factor, int64_t columns, float* dmean,
                 float* dlog) {
  for (int64_t c = 0; c < columns; c++) {
    dmean[c] = mean[c] * rate;
    dlog[c] = 0.5f * (variance[c] * rate - factor);
  }
}

}  // namespace
