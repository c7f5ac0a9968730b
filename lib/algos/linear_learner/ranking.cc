#include "algos/linear_learner/ranking.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace smtrain::linear {

void sort_ranked(std::vector<std::uint64_t>& items, std::vector<std::uint64_t>& scratch) {
  constexpr std::size_t kBits = 11, kDigits = std::size_t{1} << kBits, kPasses = 3;
  std::array<std::array<std::size_t, kDigits>, kPasses> counts{};
  const auto digit = [](std::uint64_t item, std::size_t pass) { return (item >> (1 + pass * kBits)) & (kDigits - 1); };
  for (const std::uint64_t item : items) {
    for (std::size_t pass = 0; pass < kPasses; ++pass) ++counts[pass][digit(item, pass)];
  }
  scratch.resize(items.size());
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    std::array<std::size_t, kDigits>& at = counts[pass];
    if (!items.empty() && at[digit(items.front(), pass)] == items.size()) continue;  // all alike here
    std::size_t sum = 0;
    for (std::size_t& count : at) count = std::exchange(sum, sum + count);
    for (const std::uint64_t item : items) scratch[at[digit(item, pass)]++] = item;
    items.swap(scratch);
  }
}

void RocCurve::add(float score, bool positive) {
  if (waiting_.size() == most_) compact();
  waiting_.push_back(ranked(score, positive));
}

// Rows that wait, in groups of one score each, ascending.
template <class Use>
void RocCurve::take_waiting(Use use) {
  sort_ranked(waiting_, scratch_);
  for (std::size_t i = 0; i < waiting_.size();) {
    Group group{order_of(waiting_[i]), order_of(waiting_[i])};
    for (; i < waiting_.size() && order_of(waiting_[i]) == group.first; ++i) {
      ++(is_labelled(waiting_[i]) ? group.positives : group.negatives);
    }
    use(group);
  }
  waiting_.clear();
}

// Groups come in order; one that begins before the last has ended joins it.
void RocCurve::add_to(std::vector<Group>& groups, const Group& group) {
  if (groups.empty() || group.first > groups.back().last) return groups.push_back(group);
  Group& last = groups.back();
  last.last = std::max(last.last, group.last);
  last.negatives += group.negatives;
  last.positives += group.positives;
}

void RocCurve::compact() {
  std::vector<Group> more;
  take_waiting([&](const Group& group) { more.push_back(group); });
  merge(more);
}

void RocCurve::merge(const std::vector<Group>& more) {
  std::vector<Group> all;
  all.reserve(groups_.size() + more.size());
  auto a = groups_.begin();
  auto b = more.begin();
  while (a != groups_.end() || b != more.end()) {
    const bool from_a = b == more.end() || (a != groups_.end() && a->first <= b->first);
    add_to(all, from_a ? *a++ : *b++);
  }
  groups_ = std::move(all);
  const std::size_t wanted = std::max<std::size_t>(most_ / 8, 2);
  if (groups_.size() > wanted) coarsen(wanted);
}

void RocCurve::coarsen(std::size_t wanted) {
  std::uint64_t rows = 0;
  for (const Group& g : groups_) rows += g.negatives + g.positives;
  // Two neighbours together are larger than this, which bounds their number.
  const std::uint64_t size = 2 * rows / wanted + 1;
  std::vector<Group> all;
  std::uint64_t held = size;
  for (const Group& g : groups_) {
    const std::uint64_t count = g.negatives + g.positives;
    if (held + count > size) {
      all.push_back(g);
      held = count;
    } else {
      all.back().last = g.last;
      all.back().negatives += g.negatives;
      all.back().positives += g.positives;
      held += count;
    }
  }
  groups_ = std::move(all);
}

void RocCurve::gather(dist::Communicator& communicator) {
  if (communicator.size() == 1) return;
  compact();
  const std::string_view own(reinterpret_cast<const char*>(groups_.data()), groups_.size() * sizeof(Group));
  const std::vector<std::string> all = communicator.share(own);
  groups_.clear();
  for (const std::string& bytes : all) {
    std::vector<Group> groups(bytes.size() / sizeof(Group));
    if (!groups.empty()) std::memcpy(groups.data(), bytes.data(), bytes.size());
    merge(groups);
  }
}

RocCurve::Area RocCurve::take_area() {
  double below = 0, pairs = 0, unknown = 0, positives = 0;
  const auto count = [&](const Group& g) {
    const double p = static_cast<double>(g.positives), n = static_cast<double>(g.negatives);
    pairs += p * (below + 0.5 * n);
    if (g.first != g.last) unknown += 0.5 * p * n;
    below += n;
    positives += p;
  };
  if (groups_.empty()) {
    take_waiting(count);  // never put together, however many
  } else {
    compact();
    std::for_each(groups_.begin(), groups_.end(), count);
    groups_.clear();
  }
  const double all = positives * below;
  if (all == 0) return {std::numeric_limits<double>::quiet_NaN(), 0};
  return {pairs / all, unknown / all};
}

}  // namespace smtrain::linear
