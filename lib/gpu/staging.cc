#include "gpu/staging.h"

#include <algorithm>
#include <cstring>

namespace smtrain::gpu {
namespace {

// With three blocks in turn, one is computed with while the next is copied and the one behind it is filled.
constexpr std::size_t kRotation = 3;

// So that batches of slightly different sizes share blocks.
std::size_t round_size(std::size_t bytes) {
  std::size_t unit = std::size_t{64} << 10;
  while (unit * 16 < bytes) unit *= 2;
  return ceil_div(std::max<std::size_t>(bytes, 1), unit) * unit;
}

}  // namespace

PinnedRing::~PinnedRing() {
  for (Slot& slot : slots_) {
    slot.copied.reset();
    device_.free_pinned(slot.memory);
  }
}

char* PinnedRing::next(const char* what) {
  if (slots_.size() < kSlots) {
    Slot slot;
    slot.copied = device_.make_event(what);
    slot.memory = static_cast<char*>(device_.allocate_pinned(kBytes, what));
    slots_.push_back(std::move(slot));
    at_ = slots_.size() - 1;
  } else {
    at_ = (at_ + 1) % kSlots;
  }
  Slot& slot = slots_[at_];
  if (slot.under_way) device_.wait(*slot.copied, what);
  slot.under_way = false;
  return slot.memory;
}

void PinnedRing::sent(Lane lane, const char* what) {
  device_.record(*slots_[at_].copied, lane, what);
  slots_[at_].under_way = true;
}

void PinnedRing::send(Lane lane, void* to, const Block2d& block, const void* host, std::size_t host_pitch, const char* what) {
  auto* from = static_cast<const char*>(host);
  auto* target = static_cast<char*>(to);
  if (block.row_bytes > kBytes) {  // one row after the other, in pieces
    for (std::size_t row = 0; row < block.rows; ++row) {
      for (std::size_t at = 0; at < block.row_bytes; at += kBytes) {
        const std::size_t bytes = std::min(kBytes, block.row_bytes - at);
        char* buffer = next(what);
        std::memcpy(buffer, from + row * host_pitch + at, bytes);
        device_.upload(lane, target + row * block.pitch + at, {bytes, bytes, 1}, buffer, what);
        sent(lane, what);
      }
    }
    return;
  }
  const std::size_t rows = kBytes / block.row_bytes;
  for (std::size_t first = 0; first < block.rows; first += rows) {
    const std::size_t count = std::min(rows, block.rows - first);
    char* buffer = next(what);
    if (host_pitch == block.row_bytes) {
      std::memcpy(buffer, from + first * host_pitch, count * block.row_bytes);
    } else {
      for (std::size_t i = 0; i < count; ++i)
        std::memcpy(buffer + i * block.row_bytes, from + (first + i) * host_pitch, block.row_bytes);
    }
    device_.upload(lane, target + first * block.pitch, {block.pitch, block.row_bytes, count}, buffer, what);
    sent(lane, what);
  }
}

StagedBlocks::~StagedBlocks() { drop_idle(); }

void StagedBlocks::trim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  drop_idle();
}

void StagedBlocks::drop_idle() {
  for (Block& block : idle_) device_.free(block.memory);
  idle_.clear();
}

StagedBlocks::Block StagedBlocks::take(std::size_t bytes, const char* what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t size = round_size(bytes);
  const auto fits = [&](const Block& block) { return block.bytes >= size && block.bytes <= 2 * size; };
  if (idle_.size() + in_use_ >= kRotation) {
    if (const auto found = std::find_if(idle_.begin(), idle_.end(), fits); found != idle_.end()) {
      Block block = std::move(*found);
      idle_.erase(found);
      ++in_use_;
      device_.make_wait(Lane::copy, *block.released, what);
      return block;
    }
  }
  // Blocks of sizes that no longer come are given up before others are added.
  if (idle_.size() > 2 * kRotation || device_.free_bytes() < 2 * size) drop_idle();
  Block block;
  block.released = device_.make_event(what);
  block.memory = device_.allocate(size, what);
  block.bytes = size;
  ++in_use_;
  return block;
}

void StagedBlocks::keep(Block& block) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!block.kept) --in_use_;
  block.kept = true;
}

void StagedBlocks::give_back(Block block) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!block.kept) --in_use_;
  block.kept = false;
  try {
    device_.make_current();
    device_.record(*block.released, Lane::compute, "stage");
    idle_.push_back(std::move(block));
  } catch (...) {
    // The device has failed, as the next operation will say; its memory is not used again.
    if (block.memory != nullptr) device_.free(block.memory);
  }
}

}  // namespace smtrain::gpu
