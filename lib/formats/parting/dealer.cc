#include "formats/parting/dealer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kMaxHand = 1000;

// The smallest part has a record in each hand, or the hand is large.
std::size_t hand_size_of(const std::vector<double>& shares) {
  const double least = *std::min_element(shares.begin(), shares.end());
  const double wanted = std::ceil(1 / least - 1e-9);
  return std::clamp(wanted >= kMaxHand ? kMaxHand : static_cast<std::size_t>(wanted), shares.size(),
                    std::max(kMaxHand, shares.size()));
}

}  // namespace

Dealer::Dealer(DealOptions options) : options_(std::move(options)), hand_size_(hand_size_of(options_.shares)) {
  if (options_.shares.size() > 0xFFFF) throw internal_error("{} parts; expected 65535 at most", options_.shares.size());
}

std::size_t Dealer::part_of(const RecordKeys& keys) {
  if (!options_.by_group) return deal(keys.stratum);
  if (const auto known = groups_.find(keys.group); known != groups_.end()) return known->second;
  const std::size_t part = deal(keys.stratum);
  groups_.emplace(keys.group, static_cast<std::uint16_t>(part));
  return part;
}

std::size_t Dealer::deal(std::uint64_t key) {
  if (options_.in_turn) return turn_++ % options_.shares.size();
  auto found = strata_.find(key);
  if (found == strata_.end()) {
    if (strata_.size() == kMaxStrata) {
      throw user_error("--stratify: more than {} different values; expected a column of few values, such as a class", kMaxStrata);
    }
    Stratum fresh{RandomStream(options_.seed, fmt::format("parts of {:016x}", key)), {}, {}, 0};
    fresh.dealt.assign(options_.shares.size(), 0);
    found = strata_.emplace(key, std::move(fresh)).first;
  }
  Stratum& stratum = found->second;
  if (stratum.hand.empty()) shuffle_hand(stratum);
  const std::size_t part = stratum.hand.back();
  stratum.hand.pop_back();
  ++stratum.cards;
  return part;
}

// Each card goes to the part that is most short of its share at the end of the hand; then the hand is shuffled.
void Dealer::shuffle_hand(Stratum& stratum) const {
  const std::size_t parts = options_.shares.size();
  const double after = static_cast<double>(stratum.cards + hand_size_);
  std::vector<std::uint16_t>& hand = stratum.hand;
  for (std::size_t card = 0; card < hand_size_; ++card) {
    std::size_t shortest = 0;
    double most = -INFINITY;
    for (std::size_t k = 0; k < parts; ++k) {
      const double missing = options_.shares[k] * after - static_cast<double>(stratum.dealt[k]);
      if (missing <= most + 1e-9) continue;
      most = missing;
      shortest = k;
    }
    hand.push_back(static_cast<std::uint16_t>(shortest));
    ++stratum.dealt[shortest];
  }
  for (std::size_t i = hand.size(); i > 1; --i) std::swap(hand[i - 1], hand[stratum.random.below(i)]);
}

std::size_t Dealer::thin_strata() const {
  return static_cast<std::size_t>(std::count_if(strata_.begin(), strata_.end(),
                                                [&](const auto& entry) { return entry.second.cards < options_.shares.size(); }));
}

}  // namespace smtrain::formats
