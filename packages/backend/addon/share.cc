// A crew of threads that stay: to start one costs more than many an op. Who has work takes part in it, so nothing waits for a member
// that the system does not let run; two who have work at once do not wait for each other, either: the second works alone.

#include "share.h"

#include <stdlib.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace espalier {
namespace {

std::atomic<int64_t> chosen{0};

class Crew {
 public:
  void Do(int64_t parts, void (*work)(const void*, int64_t), const void* of) {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (parts < 2 || !turn.owns_lock()) {
      for (int64_t part = 0; part < parts; part++) work(of, part);
      return;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    for (; members_ < parts - 1; members_++) std::thread([this] { Wait(); }).detach();
    work_ = work, of_ = of, parts_ = parts, next_ = 0, left_ = parts;
    for (int64_t i = 1; i < parts; i++) wake_.notify_one();
    Take(&lock);
    done_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  void Take(std::unique_lock<std::mutex>* lock) {
    while (next_ < parts_) {
      int64_t part = next_++;
      lock->unlock();
      work_(of_, part);
      lock->lock();
      if (--left_ == 0) done_.notify_one();
    }
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return next_ < parts_; });
      Take(&lock);
    }
  }

  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  int64_t members_ = 0, parts_ = 0, next_ = 0, left_ = 0;
  void (*work_)(const void*, int64_t) = nullptr;
  const void* of_ = nullptr;
};

}  // namespace

int64_t Threads() {
  int64_t threads = chosen;
  if (threads > 0) return threads;
  const char* given = getenv("TF_NUM_INTRAOP_THREADS");
  threads = given ? atoi(given) : 0;
  return threads > 0 ? threads : std::max<int64_t>(1, std::thread::hardware_concurrency());
}

void SetThreads(int64_t count) { chosen = count; }

void ForParts(int64_t parts, void (*work)(const void*, int64_t), const void* of) {
  static Crew* crew = new Crew();  // Its members wait for it to the end of the process.
  crew->Do(parts, work, of);
}

}  // namespace espalier
