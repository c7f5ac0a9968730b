// The way of host memory to the device: a ring of pinned buffers, and device memory for staged rows that is used again.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "gpu/device.h"

namespace smtrain::gpu {

/// Pinned buffers in turn. Filling one waits until the copy out of it is done, which is some buffers ago. Not thread-safe.
class PinnedRing {
 public:
  static constexpr std::size_t kSlots = 4, kBytes = std::size_t{8} << 20;

  explicit PinnedRing(Device& device) : device_(device) {}
  ~PinnedRing();

  /// Rows of host memory, `host_pitch` bytes apart, to the device, `block.pitch` bytes apart. The host memory is free on return.
  void send(Lane lane, void* to, const Block2d& block, const void* host, std::size_t host_pitch, const char* what);

  /// The next buffer, kBytes of it, free to be filled; afterwards `sent` once its copies are queued.
  char* next(const char* what);
  void sent(Lane lane, const char* what);

 private:
  struct Slot {
    char* memory = nullptr;
    std::unique_ptr<Event> copied;
    bool under_way = false;
  };
  Device& device_;
  std::vector<Slot> slots_;
  std::size_t at_ = 0;
};

/// Device memory for staged rows. A block comes back when its last matrix is gone from the host; work on it may still be queued
/// then, so the copy lane waits for that before it writes there again. Thread-safe; blocks must not outlive it.
class StagedBlocks {
 public:
  struct Block {
    void* memory = nullptr;
    std::size_t bytes = 0;
    std::unique_ptr<Event> released;  ///< the compute lane is past its last use
    bool kept = false;                ///< not one of those that take turns
  };

  explicit StagedBlocks(Device& device) : device_(device) {}
  ~StagedBlocks();

  /// A block of at least `bytes`. Work on the copy lane from now on comes after all former use of it.
  Block take(std::size_t bytes, const char* what);
  /// The block stays where it is for long: others take turns without it, as many as they would be.
  void keep(Block& block);
  /// Gives it back; by any thread.
  void give_back(Block block) noexcept;
  /// Frees the blocks that were given back.
  void trim();

 private:
  void drop_idle();

  Device& device_;
  std::mutex mutex_;
  std::deque<Block> idle_;  // the one released first in front
  std::size_t in_use_ = 0;  // without those that are kept
};

}  // namespace smtrain::gpu
