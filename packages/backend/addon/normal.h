// Normal numbers that depend on a seed of two words alone: splitmix64 (Steele, Lea & Flood 2014) and Box-Muller,
// to 1e-6.

#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "call.h"

namespace {

const int kBlock = 256;

uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// Pairs of normal numbers from pairs of uniform ones: u in (0, 1], v in [0, 1).
WIDE void BoxMuller(const float* u, const float* v, float* cosine, float* sine) {
  for (int i = 0; i < kBlock; i++) {
    // log u = exponent log 2 + 2 artanh t, |t| < 0.172.
    int32_t bits;
    memcpy(&bits, &u[i], 4);
    int32_t exponent = (bits - 0x3f3504f3) >> 23;
    int32_t reduced = bits - exponent * (1 << 23);
    float m;
    memcpy(&m, &reduced, 4);
    float t = (m - 1.0f) / (m + 1.0f), t2 = t * t;
    float series = 1.0f + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7 + t2 * (1.0f / 9))));
    float log = exponent * 0.69314718f + 2.0f * t * series;
    float r = sqrtf(-2.0f * log);
    // The angle is a quarter turn times k, and f within an eighth of a turn.
    int32_t k = static_cast<int32_t>(4.0f * v[i] + 0.5f);
    float f = (4.0f * v[i] - k) * 1.57079633f, f2 = f * f;
    float s = f * (1.0f - f2 / 6 * (1.0f - f2 / 20 * (1.0f - f2 / 42 * (1.0f - f2 / 72))));
    float c = 1.0f - f2 / 2 * (1.0f - f2 / 12 * (1.0f - f2 / 30 * (1.0f - f2 / 56)));
    float a = (k & 1) ? -s : c, b = (k & 1) ? c : s;
    float sign = (k & 2) ? -r : r;
    cosine[i] = a * sign;
    sine[i] = b * sign;
  }
}

void Normal(const int32_t* seed, float* out, int64_t n) {
  uint64_t key = Mix((static_cast<uint64_t>(static_cast<uint32_t>(seed[0])) << 32) | static_cast<uint32_t>(seed[1]));
  float u[kBlock], v[kBlock], pair[2 * kBlock];
  uint64_t counter = 0;
  for (int64_t done = 0; done < n; done += 2 * kBlock) {
    for (int i = 0; i < kBlock; i++) {
      uint64_t bits = Mix(key + ++counter * 0x9e3779b97f4a7c15ull);
      u[i] = static_cast<float>((bits >> 40) + 1) * 5.9604645e-8f;
      v[i] = static_cast<float>((bits >> 8) & 0xffffff) * 5.9604645e-8f;
    }
    BoxMuller(u, v, pair, pair + kBlock);
    int64_t left = n - done;
    memcpy(out + done, pair, sizeof(float) * (left < 2 * kBlock ? left : 2 * kBlock));
  }
}

// Of an even number of rows the second half gets the first half's with the other sign (antithetic variates).
void Antithetic(const int32_t* seed, float* out, int64_t rows, int64_t columns) {
  if (rows % 2) return Normal(seed, out, rows * columns);
  int64_t half = rows / 2 * columns;
  Normal(seed, out, half);
  for (int64_t i = 0; i < half; i++) out[half + i] = -out[i];
}

}  // namespace
