#include "algos/rcf/seen_scores.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace smtrain::rcf {

SeenScores::SeenScores(std::size_t d) : d_(d) {
  const std::size_t places = std::bit_floor(std::max<std::size_t>(kBytes / (d * sizeof(float) + sizeof(Place)), 1));
  mask_ = places - 1;
  places_.resize(places);
  rows_.resize(places * d);
}

// A product that carries the low bits of each number to all others (Fibonacci hashing), number after number.
std::size_t SeenScores::place_of(const float* row) const {
  std::uint64_t h = 0;
  for (std::size_t j = 0; j < d_; ++j) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, row + j, sizeof bits);
    h = (std::rotl(h, 23) ^ bits) * 0x9E3779B97F4A7C15u;
  }
  return static_cast<std::size_t>(h >> 32) & mask_;
}

void SeenScores::score(const Scorer& scorer, const float* x, std::size_t rows, std::size_t ld, int threads, float* scores) {
  fresh_.clear();
  filled_.clear();
  from_.assign(rows, kKnown);
  for (std::size_t i = 0; i < rows; ++i) {
    const float* row = x + i * ld;
    const std::size_t at = place_of(row);
    Place& place = places_[at];
    float* kept = rows_.data() + at * d_;
    if (place.state != kEmpty && std::memcmp(kept, row, d_ * sizeof(float)) == 0) {
      from_[i] = place.state;
      scores[i] = place.score;
      continue;
    }
    from_[i] = place.state = static_cast<std::int64_t>(filled_.size());
    std::copy_n(row, d_, kept);
    fresh_.insert(fresh_.end(), row, row + d_);
    filled_.push_back(at);
  }
  fresh_scores_.resize(filled_.size());
  if (!filled_.empty()) scorer.score(fresh_.data(), filled_.size(), d_, threads, fresh_scores_.data());
  for (std::size_t i = 0; i < rows; ++i) {
    if (from_[i] != kKnown) scores[i] = fresh_scores_[static_cast<std::size_t>(from_[i])];
  }
  // The last row that took a place has it.
  for (std::size_t k = 0; k < filled_.size(); ++k) places_[filled_[k]] = {kKnown, fresh_scores_[k]};
}

}  // namespace smtrain::rcf
