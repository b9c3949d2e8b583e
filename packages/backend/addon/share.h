// Work on rows that do not need each other, shared out among threads: as many as TensorFlow has for one op.

#pragma once
#include <stdint.h>

#include <algorithm>

namespace espalier {

int64_t Threads();
// 0: as many as the environment says, or else as there are cores.
void SetThreads(int64_t count);
// Calls work(of, part) for each part, on the calling thread and those of a crew that waits for the next time.
void ForParts(int64_t parts, void (*work)(const void* of, int64_t part), const void* of);

}  // namespace espalier

namespace {

// Calls work(from, to) for all of [0, rows), in parts of whole steps.
template <typename Work>
void Share(int64_t rows, int64_t step, const Work& work) {
  struct Split {
    int64_t rows, step, steps, parts;
    const Work& work;
  } split = {rows, step, (rows + step - 1) / step, 0, work};
  split.parts = std::min(espalier::Threads(), split.steps);
  espalier::ForParts(
      split.parts,
      [](const void* of, int64_t part) {
        const Split& s = *static_cast<const Split*>(of);
        s.work(s.steps * part / s.parts * s.step, std::min(s.rows, s.steps * (part + 1) / s.parts * s.step));
      },
      &split);
}

}  // namespace
