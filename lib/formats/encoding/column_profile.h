// ColumnProfile: what a column of text holds, gathered block by block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace smtrain::formats {

/// A sample of a column's numbers that depends on the records alone, however they are divided: those of the smallest draws.
class NumberSample {
 public:
  explicit NumberSample(std::size_t most = 0) : most_(most) {}
  void add(std::uint64_t draw, double value);
  void add(const NumberSample& other);
  /// Exact when no more than `most` numbers were added; at least half as many are looked at else.
  double median() const;

 private:
  void thin();
  void drop_beyond_limit();
  std::size_t most_;
  std::uint64_t limit_ = ~std::uint64_t{0};
  std::vector<std::pair<std::uint64_t, double>> kept_;
};

struct ColumnProfile {
  std::uint64_t numbers = 0, texts = 0, dates = 0, missing = 0;
  std::string first_text, first_text_place, first_missing_place;
  double sum = 0;
  NumberSample sample;
  std::unordered_map<std::string, std::uint64_t> categories;  ///< by canonical_category(); empty when not asked for
  bool too_many_categories = false;

  /// Of records that come after these.
  void add(const ColumnProfile& later);
  void count_category(std::string_view text, std::uint64_t times);
  /// Numbers ascending, then texts by bytes.
  std::vector<std::string> sorted_categories() const;
};

}  // namespace smtrain::formats
