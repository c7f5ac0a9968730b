#include "formats/encoding/column_profile.h"

#include <algorithm>

#include "base/error.h"
#include "formats/encoding/encoding_fit.h"
#include "formats/text/field_number.h"

namespace smtrain::formats {

void NumberSample::add(std::uint64_t draw, double value) {
  if (most_ == 0 || draw > limit_) return;
  kept_.emplace_back(draw, value);
  if (kept_.size() > most_) thin();
}

void NumberSample::add(const NumberSample& other) {
  if (other.limit_ < limit_) {
    limit_ = other.limit_;
    drop_beyond_limit();
  }
  for (const auto& [draw, value] : other.kept_) add(draw, value);
}

// The limit is halved, so that it depends on the draws alone: a part of the records never needs a lower one than all of them.
void NumberSample::thin() {
  while (kept_.size() > most_) {
    limit_ /= 2;
    drop_beyond_limit();
  }
}

void NumberSample::drop_beyond_limit() {
  std::erase_if(kept_, [&](const auto& entry) { return entry.first > limit_; });
}

double NumberSample::median() const {
  if (kept_.empty()) throw internal_error("the median of no numbers");
  std::vector<double> values;
  for (const auto& [draw, value] : kept_) values.push_back(value);
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : values[half - 1] + (values[half] - values[half - 1]) / 2;
}

void ColumnProfile::count_category(std::string_view text, std::uint64_t times) {
  if (too_many_categories) return;
  categories[std::string(text)] += times;
  if (categories.size() <= kMaxCategories) return;
  too_many_categories = true;
  categories.clear();
}

void ColumnProfile::add(const ColumnProfile& later) {
  if (texts == 0) {
    first_text = later.first_text;
    first_text_place = later.first_text_place;
  }
  if (missing == 0) first_missing_place = later.first_missing_place;
  numbers += later.numbers;
  texts += later.texts;
  dates += later.dates;
  missing += later.missing;
  sum += later.sum;
  sample.add(later.sample);
  for (const auto& [text, times] : later.categories) count_category(text, times);
  if (later.too_many_categories) {
    too_many_categories = true;
    categories.clear();
  }
}

std::vector<std::string> ColumnProfile::sorted_categories() const {
  std::vector<std::pair<std::optional<double>, std::string>> order;
  for (const auto& [text, times] : categories) order.emplace_back(field_number(text), text);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    if (a.first.has_value() != b.first.has_value()) return a.first.has_value();
    return a.first != b.first ? *a.first < *b.first : a.second < b.second;
  });
  std::vector<std::string> sorted;
  for (auto& [number, text] : order) sorted.push_back(std::move(text));
  return sorted;
}

}  // namespace smtrain::formats
