#include "algos/knn/reservoir.h"

#include <algorithm>

#include "base/error.h"
#include "base/memory.h"

namespace smtrain::knn {
namespace {

constexpr std::uint64_t kDrawsOfRow = 8;  // 32-bit numbers: one draw takes two, and hardly ever more

}  // namespace

std::optional<std::uint64_t> SlotDraws::slot_of(std::uint64_t t) {
  if (t < slots_) return t;
  random_.seek(t * kDrawsOfRow);
  const std::uint64_t slot = random_.below(t + 1);
  if (slot < slots_) return slot;
  return std::nullopt;
}

// What is not written to takes no memory.
Reservoir::Reservoir(std::size_t slots, std::size_t d) : slots_(slots), d_(d), numbers_(allocate_array<float>(slots * d)) {}

void Reservoir::put(std::uint64_t slot, const float* row, float label, std::uint64_t t) {
  const auto at = static_cast<std::size_t>(slot);
  if (at >= slots_ || at > held()) throw internal_error("slot {} of {} where {} are filled", slot, slots_, held());
  std::copy_n(row, d_, numbers_.get() + at * d_);
  if (at == held()) {
    labels_.push_back(0);
    positions_.push_back(0);
  }
  labels_[at] = label;
  positions_[at] = static_cast<std::int64_t>(t);
}

void Reservoir::save(job::State& state) const {
  state.put("reservoir.held", std::uint64_t{held()});
  state.put("reservoir.rows", {held(), d_}, std::span<const float>(numbers_.get(), held() * d_));
  state.put("reservoir.labels", {held()}, std::span<const float>(labels_));
  state.put("reservoir.positions", {held()}, std::span<const double>(std::vector<double>(positions_.begin(), positions_.end())));
}

void Reservoir::restore(const job::State& state) {
  const auto held = static_cast<std::size_t>(state.count("reservoir.held"));
  if (held > slots_) throw user_error("{}: holds {} rows of a sample of {}; the checkpoint is damaged", state.source(), held, slots_);
  const std::vector<float> rows = state.f32("reservoir.rows", {held, d_});
  std::copy(rows.begin(), rows.end(), numbers_.get());
  labels_ = state.f32("reservoir.labels", {held});
  const std::vector<double> positions = state.f64("reservoir.positions", {held});
  positions_.assign(positions.begin(), positions.end());
}

}  // namespace smtrain::knn
