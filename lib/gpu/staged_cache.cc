#include "gpu/staged_cache.h"

namespace smtrain::gpu {
namespace {

// Owners looked at in one call: enough to find the dead ones faster than new ones come.
constexpr int kLooks = 4;

}  // namespace

// An address alone says nothing: the memory of rows is pooled, and the next rows lie where those before them lay. The owner tells
// them apart. owner_less compares control blocks, and a weak_ptr keeps its control block from being used again; one that equals a
// living owner's is therefore that owner's, who has lived ever since and kept its promise that these rows are the same. Pools
// take memory back when the owner ends, which is when it expires here.
std::shared_ptr<compute::Buffer> StagedCache::find(const StagedPlace& place, const std::shared_ptr<const void>& owner) const {
  if (owner.use_count() == 0) return nullptr;  // all that own nothing are equal to each other
  const auto group = owners_.find(owner);
  if (group == owners_.end()) return nullptr;
  const auto found = group->second.find(place);
  return found == group->second.end() ? nullptr : found->second;
}

void StagedCache::keep(const StagedPlace& place, const std::shared_ptr<const void>& owner, const std::shared_ptr<StagedBuffer>& buffer) {
  if (owner.use_count() == 0) return;
  if (!limit_known_) {
    // The first buffer has its memory already.
    limit_ = static_cast<std::size_t>(kShare * static_cast<double>(device_.free_bytes() + buffer->block_.bytes));
    limit_known_ = true;
  }
  if (buffer->block_.bytes > limit_ - bytes_) return;
  if (!owners_[owner].emplace(place, buffer).second) return;
  blocks_.keep(buffer->block_);
  bytes_ += buffer->block_.bytes;
  newest_ = owner;
}

StagedCache::Owners::iterator StagedCache::drop(Owners::iterator at) {
  for (const auto& [place, buffer] : at->second) bytes_ -= buffer->block_.bytes;
  return owners_.erase(at);
}

// Rows that no one keeps between epochs die in the order in which they came, so the newest is the likeliest.
void StagedCache::drop_some_dead() {
  if (const auto newest = owners_.find(newest_); newest != owners_.end() && newest->first.expired()) drop(newest);
  auto at = owners_.upper_bound(looked_at_);
  for (int i = 0; i < kLooks && !owners_.empty(); ++i) {
    if (at == owners_.end()) at = owners_.begin();
    looked_at_ = at->first;
    at = at->first.expired() ? drop(at) : std::next(at);
  }
}

void StagedCache::drop_dead() {
  for (auto at = owners_.begin(); at != owners_.end();) at = at->first.expired() ? drop(at) : std::next(at);
}

void StagedCache::give_up() {
  owners_.clear();
  bytes_ = limit_ = 0;
  limit_known_ = true;
}

}  // namespace smtrain::gpu
