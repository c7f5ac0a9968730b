// Ranks as threads of one process, for tests of what stands above a Transport.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "dist/group.h"

namespace smtrain::test {

/// Where the threads meet.
class Meeting {
 public:
  explicit Meeting(int size) : size_(static_cast<std::size_t>(size)), slots(size_) {}

  struct Slot {
    std::span<const std::byte> bytes;
    std::span<const dist::Part> parts;
    std::span<std::int64_t> values;
  };

  /// Returns when all have come; asks `patience` meanwhile.
  void meet(dist::Patience& patience) {
    std::unique_lock lock(mutex_);
    const std::size_t round = round_;
    if (++come_ == size_) {
      come_ = 0;
      ++round_;
      changed_.notify_all();
      return;
    }
    const auto start = std::chrono::steady_clock::now();
    while (!changed_.wait_for(lock, std::chrono::milliseconds(5), [&] { return round_ != round; })) {
      patience.waits(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }

 private:
  const std::size_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t come_ = 0, round_ = 0;

 public:
  std::vector<Slot> slots;
};

struct Aborted : std::runtime_error {
  explicit Aborted(int exit_code) : std::runtime_error("aborted"), code(exit_code) {}
  int code;
};

class ThreadTransport final : public dist::Transport {
 public:
  ThreadTransport(Meeting& meeting, int rank, dist::Patience& patience) : meeting_(meeting), rank_(rank), patience_(patience) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(meeting_.slots.size()); }
  void maximum(std::span<std::int64_t> values) override {
    std::vector<std::int64_t> most(values.begin(), values.end());
    mine().values = values;
    meeting_.meet(patience_);
    for (const Meeting::Slot& slot : meeting_.slots) {
      for (std::size_t i = 0; i < most.size(); ++i) most[i] = std::max(most[i], slot.values[i]);
    }
    meeting_.meet(patience_);
    std::copy(most.begin(), most.end(), values.begin());
  }
  void exchange(std::span<const std::byte> send, std::span<const dist::Part> to, std::span<std::byte> receive,
                std::span<const dist::Part> from) override {
    largest = std::max(largest, send.size());
    mine().bytes = send;
    mine().parts = to;
    meeting_.meet(patience_);
    for (std::size_t r = 0; r < from.size(); ++r) {
      const Meeting::Slot& sender = meeting_.slots[r];
      const dist::Part part = sender.parts[static_cast<std::size_t>(rank_)];
      if (part.size != from[r].size) throw std::logic_error("sizes differ");
      if (part.size > 0) std::memcpy(receive.data() + from[r].begin, sender.bytes.data() + part.begin, part.size);
    }
    meeting_.meet(patience_);
  }
  void broadcast(std::span<std::byte> bytes, int root) override {
    largest = std::max(largest, bytes.size());
    mine().bytes = bytes;
    meeting_.meet(patience_);
    if (root != rank_) std::memcpy(bytes.data(), meeting_.slots[static_cast<std::size_t>(root)].bytes.data(), bytes.size());
    meeting_.meet(patience_);
  }
  void finish() override { meeting_.meet(patience_); }
  void abort(int exit_code) override { throw Aborted(exit_code); }

  std::size_t largest = 0;  ///< bytes in one message

 private:
  Meeting::Slot& mine() { return meeting_.slots[static_cast<std::size_t>(rank_)]; }
  Meeting& meeting_;
  const int rank_;
  dist::Patience& patience_;
};

/// Runs body(group) on `size` ranks, each a thread; rethrows the lowest rank's exception when all have ended.
inline void on_ranks(int size, const std::function<void(dist::Group&)>& body, const dist::GroupOptions& options = {}) {
  Meeting meeting(size);
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        auto watch = std::make_unique<dist::Watch>();
        auto transport = std::make_unique<ThreadTransport>(meeting, rank, *watch);
        body(*dist::make_group(std::move(transport), std::move(watch), options));
      } catch (...) {
        thrown[static_cast<std::size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : thrown) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace smtrain::test
