// Tasks done by any thread in any order, merged one after the other in their own order.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace smtrain::compute {

/// Hands out tasks 0, 1, ... and lets the thread that completes the next one in order merge it and all finished ones behind
/// it. Task t may use slot t % slots() from next() until its merge; a thread runs ahead of the merges by slots() tasks and
/// waits only then. (An OpenMP ordered loop would wait, and sleep, at every task.)
class OrderedRing {
 public:
  explicit OrderedRing(std::size_t slots) : ready_(slots, 0) {}
  std::size_t slots() const { return ready_.size(); }

  /// Begins a run of `tasks`; no thread may be inside.
  void start(std::size_t tasks) {
    tasks_ = tasks;
    next_ = 0;
    merged_ = 0;
  }

  /// False when no task is left.
  bool next(std::size_t& task) {
    task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) return false;
    while (task >= merged_.load(std::memory_order_acquire) + slots()) std::this_thread::yield();
    return true;
  }

  /// Task `task` is done: calls merge(t) for it and for others as they come into order, from one thread at a time.
  template <class Merge>
  void finish(std::size_t task, Merge&& merge) {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_[task % slots()] = 1;
    if (merging_) return;
    merging_ = true;
    for (std::size_t t = merged_; ready_[t % slots()]; ++t) {
      lock.unlock();
      merge(t);
      lock.lock();
      ready_[t % slots()] = 0;
      merged_.store(t + 1, std::memory_order_release);
    }
    merging_ = false;
  }

 private:
  std::mutex mutex_;
  std::vector<std::uint8_t> ready_;
  bool merging_ = false;
  std::size_t tasks_ = 0;
  std::atomic<std::size_t> next_{0}, merged_{0};
};

}  // namespace smtrain::compute
