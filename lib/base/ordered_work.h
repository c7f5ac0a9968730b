// OrderedWork: things that come one after the other, worked on by several threads, handed out in the order in which they came.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/signals.h"

namespace smtrain {

struct OrderedWorkOptions {
  int threads = 1;
  std::size_t ahead = 0;        ///< results that may be under way or wait; 0: four per thread
  std::size_t ahead_bytes = 0;  ///< what they may take together, as far as the work says (Room); 0: no bound
};

/// Threads of its own, beside the caller: they start at once and read ahead. What reading or working throws comes out of next()
/// in its place. One caller.
template <class In, class Out>
class OrderedWork {
 public:
  /// Asked by work for memory that its result keeps. Waits while others have too much, unless its result is the next to be handed
  /// out.
  using Room = std::function<void(std::size_t bytes)>;
  /// False at the end; one caller at a time.
  using Read = std::function<bool(In&)>;
  /// Several callers at a time; opens no parallel region.
  using Work = std::function<Out(In&, const Room&)>;

  /// `cancel` ends a read that waits for a pipe, from another thread.
  OrderedWork(const OrderedWorkOptions& options, Read read, Work work, std::function<void()> cancel = {})
      : read_(std::move(read)), work_(std::move(work)), cancel_(std::move(cancel)), ahead_bytes_(options.ahead_bytes) {
    const auto threads = static_cast<std::size_t>(std::max(options.threads, 1));
    ahead_ = options.ahead > 0 ? options.ahead : 4 * threads;
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  OrderedWork(const OrderedWork&) = delete;
  OrderedWork& operator=(const OrderedWork&) = delete;
  ~OrderedWork() {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    if (cancel_) cancel_();
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  /// The next result; false when reading has come to its end. Throws the Error of an interrupted run while it waits.
  bool next(Out& out) {
    std::unique_lock lock(mutex_);
    // Signals are looked at here: the thread that waits need not be the one the signal interrupts.
    while (!changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return !places_.empty() && places_.front().done; })) {
      throw_if_stopped();
    }
    Place& first = places_.front();
    if (first.end && !first.error) return false;
    Place place = std::move(first);
    places_.pop_front();
    ++first_;
    bytes_ -= place.bytes;
    if (place.end) places_.push_front({{}, {}, 0, true, true});  // read on, it stays at its end
    lock.unlock();
    changed_.notify_all();
    if (place.error) std::rethrow_exception(place.error);
    out = std::move(place.out);
    return true;
  }

 private:
  struct Place {
    Out out{};
    std::exception_ptr error;
    std::size_t bytes = 0;
    bool done = false, end = false;
  };

  bool take(In& in, std::uint64_t& ticket) {
    const std::lock_guard reading(read_mutex_);
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return cancelled_ || ended_ || places_.size() < ahead_; });
      if (cancelled_ || ended_) return false;
      ticket = first_ + places_.size();
      places_.emplace_back();
    }
    Place end{{}, {}, 0, true, true};
    try {
      if (read_(in)) return true;
    } catch (...) {
      end.error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      places_[ticket - first_] = std::move(end);
    }
    changed_.notify_all();
    return false;
  }

  void reserve(std::uint64_t ticket, std::size_t bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return cancelled_ || ahead_bytes_ == 0 || ticket == first_ || bytes_ + bytes <= ahead_bytes_; });
    if (cancelled_) throw internal_error("work that nobody waits for");
    bytes_ += bytes;
    places_[ticket - first_].bytes += bytes;
  }

  void run() {
    In in{};
    for (std::uint64_t ticket = 0; take(in, ticket);) {
      Out out{};
      std::exception_ptr error;
      try {
        out = work_(in, [&](std::size_t bytes) { reserve(ticket, bytes); });
      } catch (...) {
        error = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        Place& place = places_[ticket - first_];
        place.out = std::move(out);
        place.error = error;
        place.done = true;
      }
      changed_.notify_all();
    }
  }

  const Read read_;
  const Work work_;
  const std::function<void()> cancel_;
  std::size_t ahead_ = 0;
  const std::size_t ahead_bytes_;
  std::mutex read_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Place> places_;  // results in order, from number first_ on
  std::uint64_t first_ = 0;
  std::size_t bytes_ = 0;
  bool ended_ = false, cancelled_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace smtrain
