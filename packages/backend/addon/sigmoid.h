// The sigmoid and tanh of many numbers, to 2e-7 of each; without branches, so that the compiler does several at once.

#pragma once
#include <stdint.h>
#include <string.h>

#include "call.h"

namespace {

// exp x - 1 for |x| < 87: exp x is 2^n exp r, and exp r - 1 a polynomial.
inline float ExpLessOne(float x) {
  float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;  // Rounds.
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float higher = 1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040))));
  float rest = r + r * r * (0.5f + r * higher);
  int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof(power));
  return power * rest + (power - 1.0f);
}

inline float Within(float x, float most) { return x < -most ? -most : x > most ? most : x; }

WIDE void Sigmoid(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = 1.0f / (2.0f + ExpLessOne(Within(-x[i], 86.0f)));
}

// TF.js's hardSigmoid.
WIDE void HardSigmoid(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    float y = 0.2f * x[i] + 0.5f;
    x[i] = y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;
  }
}

WIDE void Tanh(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    float e = ExpLessOne(Within(2.0f * x[i], 40.0f));
    x[i] = e / (e + 2.0f);
  }
}

}  // namespace
