// Work on rows that do not need each other, shared out among threads: as many as TensorFlow has for one op.

#pragma once
#include <stdint.h>
#include <stdlib.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace {

inline int64_t Threads() {
  const char* given = getenv("TF_NUM_INTRAOP_THREADS");
  int64_t threads = given ? atoi(given) : 0;
  return threads > 0 ? threads : std::max<int64_t>(1, std::thread::hardware_concurrency());
}

// Calls work(from, to) for all of [0, rows), in parts of whole steps.
template <typename Work>
void Share(int64_t rows, int64_t step, const Work& work) {
  int64_t steps = (rows + step - 1) / step, parts = std::min(Threads(), steps);
  std::vector<std::thread> others;
  for (int64_t part = 1; part < parts; part++) {
    int64_t from = steps * part / parts * step, to = std::min(rows, steps * (part + 1) / parts * step);
    others.emplace_back([&work, from, to] { work(from, to); });
  }
  if (parts > 0) work(0, std::min(rows, steps / parts * step));
  for (std::thread& one : others) one.join();
}

}  // namespace
