#include "formats/read_ahead.h"

#include <chrono>
#include <utility>

#include "base/signals.h"

namespace smtrain::formats {

ReadAhead::ReadAhead(BlockFeed& feed, std::size_t depth) : feed_(feed), depth_(depth), thread_([this] { run(); }) {}

ReadAhead::~ReadAhead() {
  {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  feed_.cancel();
  changed_.notify_all();
  thread_.join();
}

void ReadAhead::run() {
  for (;;) {
    FeedBlock block;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return cancelled_ || full_.size() < depth_; });
      if (cancelled_) return;
      if (!empty_.empty()) {
        block = std::move(empty_.front());
        empty_.pop_front();
      }
    }
    bool more = false;
    std::exception_ptr error;
    try {
      more = feed_.next(block);
    } catch (...) {
      error = std::current_exception();
    }
    {
      std::lock_guard lock(mutex_);
      error_ = error;
      ended_ = !more;
      if (more) full_.push_back(std::move(block));
    }
    changed_.notify_all();
    if (!more) return;
  }
}

bool ReadAhead::next(FeedBlock& block) {
  std::unique_lock lock(mutex_);
  // Signals are looked at here too: the thread that waits need not be the one the signal interrupts.
  while (full_.empty() && !ended_) {
    if (changed_.wait_for(lock, std::chrono::milliseconds(100)) == std::cv_status::timeout) throw_if_stopped();
  }
  if (full_.empty()) {
    if (error_) std::rethrow_exception(error_);
    return false;
  }
  std::swap(block, full_.front());
  empty_.push_back(std::move(full_.front()));
  full_.pop_front();
  lock.unlock();
  changed_.notify_all();
  return true;
}

bool ReadAhead::ready() {
  const std::lock_guard lock(mutex_);
  return !full_.empty() || ended_;
}

}  // namespace smtrain::formats
