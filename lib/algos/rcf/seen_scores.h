// Scores of rows that came before: tables of few values hold the same rows again and again, and a look is a hundred times cheaper than a
// score. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "algos/rcf/score.h"

namespace smtrain::rcf {

/// Keeps the rows of at most kBytes, each at a place by its bits, where a later one takes it from it. What it answers is what Scorer
/// says.
class SeenScores {
 public:
  static constexpr std::size_t kBytes = std::size_t{8} << 20;

  /// Of points of d numbers; always asked with the same forest.
  explicit SeenScores(std::size_t d);

  /// As Scorer::score.
  void score(const Scorer& scorer, const float* x, std::size_t rows, std::size_t ld, int threads, float* scores);

 private:
  static constexpr std::int64_t kEmpty = -2, kKnown = -1;
  struct Place {
    std::int64_t state = kEmpty;  // or the number among those that are being scored
    float score = 0;
  };

  std::size_t place_of(const float* row) const;

  const std::size_t d_;
  std::size_t mask_ = 0;            // places less one, a power of two less one
  std::vector<Place> places_;
  std::vector<float> rows_;         // (places, d)
  std::vector<float> fresh_;        // rows that are to be scored, packed
  std::vector<std::size_t> filled_;  // their places
  std::vector<float> fresh_scores_;
  std::vector<std::int64_t> from_;  // of each row that is to be scored its number among them, else kKnown
};

}  // namespace smtrain::rcf
