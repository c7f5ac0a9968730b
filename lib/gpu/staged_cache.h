// Staged rows that stay on the device: what later epochs stage again is not copied again.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <memory>

#include "compute/backend.h"
#include "gpu/device.h"
#include "gpu/staging.h"

namespace smtrain::gpu {

/// A block of staged rows as the buffer of matrices; gives it back when the last of them is gone. Must not outlive `blocks`.
class StagedBuffer final : public compute::Buffer {
 public:
  StagedBuffer(StagedBlocks& blocks, StagedBlocks::Block block, std::size_t bytes)
      : blocks_(blocks), block_(std::move(block)), bytes_(bytes) {}
  ~StagedBuffer() override { blocks_.give_back(std::move(block_)); }
  void* data() const override { return block_.memory; }
  std::size_t bytes() const override { return bytes_; }

 private:
  friend class StagedCache;
  StagedBlocks& blocks_;
  StagedBlocks::Block block_;
  std::size_t bytes_;
};

/// Host rows as they were staged.
struct StagedPlace {
  const float* host = nullptr;
  std::size_t rows = 0, cols = 0, ld = 0;
  auto operator<=>(const StagedPlace&) const = default;
};

/// Buffers by the owner of the host memory they were copied from and the place in it. An owner promises that its rows do not
/// change while it lives (compute/backend.h); here it is held weakly, so that its host memory goes when everyone else is done
/// with it, and its buffers are dropped some calls later. Dropping one takes nothing from matrices that still use it.
///
/// Altogether kShare of the device memory that was free at the first keep(), beyond which nothing is added: rows come in the
/// same order in every epoch, so whatever made room for a newcomer would be the next to be missed. Not thread-safe.
class StagedCache {
 public:
  static constexpr double kShare = 0.6;  // the rest is for sums, scratch memory and rows that are not kept

  StagedCache(Device& device, StagedBlocks& blocks) : device_(device), blocks_(blocks) {}

  /// The buffer that was kept for these rows, or null. Never one for an owner that is null or owns nothing.
  std::shared_ptr<compute::Buffer> find(const StagedPlace& place, const std::shared_ptr<const void>& owner) const;
  /// Keeps a buffer whose copy is queued, if there is room and an owner that is not null.
  void keep(const StagedPlace& place, const std::shared_ptr<const void>& owner, const std::shared_ptr<StagedBuffer>& buffer);

  /// Drops what belonged to owners that are gone: of the one added last and of a few others in turn.
  void drop_some_dead();
  /// The same of all.
  void drop_dead();
  /// Drops everything and keeps nothing from now on, for a device that ran out of memory.
  void give_up();

  std::size_t bytes() const { return bytes_; }  ///< of device memory

 private:
  using Owner = std::weak_ptr<const void>;
  using Owners = std::map<Owner, std::map<StagedPlace, std::shared_ptr<StagedBuffer>>, std::owner_less<>>;

  Owners::iterator drop(Owners::iterator at);

  Device& device_;
  StagedBlocks& blocks_;
  Owners owners_;
  Owner newest_, looked_at_;
  std::size_t bytes_ = 0, limit_ = 0;
  bool limit_known_ = false;
};

}  // namespace smtrain::gpu
