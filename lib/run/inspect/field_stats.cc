#include "run/inspect/field_stats.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/encoding/encoding.h"
#include "formats/text/field_number.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kMostPairs = 3000, kMostGroups = 1000;

template <class Map>
typename Map::mapped_type& entry(Map& map, std::string_view key) {
  const auto found = map.find(key);
  return found != map.end() ? found->second : map.emplace(std::string(key), typename Map::mapped_type()).first->second;
}

bool is_infinite(std::string_view field) {
  if (field.starts_with('-') || field.starts_with('+')) field.remove_prefix(1);
  const std::string lower = field.size() <= 8 ? to_lower(field) : std::string();
  return lower == "inf" || lower == "infinity";
}

}  // namespace

void Moments::add(double x) {
  ++count;
  const double delta = x - mean;
  mean += delta / static_cast<double>(count);
  m2 += delta * (x - mean);
}

double Moments::std() const { return count < 2 ? 0 : std::sqrt(m2 / static_cast<double>(count - 1)); }

std::optional<double> correlation_ratio(const std::map<std::string, Moments, std::less<>>& groups) {
  double count = 0, sum = 0, within = 0;
  for (const auto& [name, group] : groups) {
    count += static_cast<double>(group.count);
    sum += static_cast<double>(group.count) * group.mean;
    within += group.m2;
  }
  double between = 0;
  for (const auto& [name, group] : groups) {
    between += static_cast<double>(group.count) * (group.mean - sum / count) * (group.mean - sum / count);
  }
  if (groups.size() < 2 || !(between + within > 0) || 2 * static_cast<double>(groups.size()) > count) return std::nullopt;
  return std::sqrt(between / (between + within));
}

void FieldStats::add(std::string_view field, const LabelField* label) {
  if (formats::always_missing(field)) {
    ++missing_;
    return;
  }
  if (is_infinite(field)) {
    ++infinite_;
    return;
  }
  const std::optional<double> number = formats::field_number(field);
  if (number) {
    min_ = moments_.count == 0 ? *number : std::min(min_, *number);
    max_ = moments_.count == 0 ? *number : std::max(max_, *number);
    moments_.add(*number);
  } else {
    ++texts_;
    dates_ += formats::looks_like_date(field) ? 1 : 0;
  }
  const bool wanted = !many_ || (label != nullptr && !(many_pairs_ && many_groups_));
  const std::string category = wanted ? formats::canonical_category(field) : std::string();
  if (!many_) {
    ++entry(categories_, category);
    if (categories_.size() > kMostCategories) {
      many_ = true;
      categories_.clear();
    }
  }
  if (label != nullptr && !label->missing) associate(category, number, *label);
}

void FieldStats::associate(std::string_view category, std::optional<double> number, const LabelField& label) {
  if (number && label.number) {
    const double before = x_.mean;
    x_.add(*number);
    y_.add(*label.number);
    xy_ += (*number - before) * (*label.number - y_.mean);
  }
  // Which of these is asked for is known once the kind of the column is: at the end.
  if (!many_groups_ && (number || label.number)) {
    entry(groups_, label.number ? category : label.text).add(label.number ? *label.number : *number);
    many_groups_ = groups_.size() > kMostGroups;
  }
  if (!many_pairs_ && !label.number) {
    pair_count_ += entry(entry(pairs_, category), label.text)++ == 0 ? 1 : 0;
    many_pairs_ = pair_count_ > kMostPairs;
    if (many_pairs_) pairs_.clear();
  }
}

FieldStats::Kind FieldStats::kind() const {
  if (values() == 0) return infinite_ == 0 ? Kind::empty : Kind::numbers;
  if (texts_ == 0) return Kind::numbers;
  return dates_ == values() ? Kind::dates : Kind::texts;
}

std::optional<std::size_t> FieldStats::distinct() const {
  if (many_) return std::nullopt;
  return categories_.size();
}

std::optional<double> FieldStats::association(bool label_is_number) const {
  const bool numbers = kind() == Kind::numbers;
  if (numbers && label_is_number) return pearson();
  if (numbers || label_is_number) return many_groups_ ? std::nullopt : correlation_ratio(groups_);
  return many_pairs_ ? std::nullopt : cramers_v();
}

std::optional<double> FieldStats::pearson() const {
  if (!(x_.m2 > 0) || !(y_.m2 > 0)) return std::nullopt;
  return xy_ / std::sqrt(x_.m2 * y_.m2);
}

std::optional<double> FieldStats::cramers_v() const {
  std::map<std::string_view, double> classes;
  double all = 0;
  for (const auto& [category, counts] : pairs_) {
    for (const auto& [name, count] : counts) {
      classes[name] += static_cast<double>(count);
      all += static_cast<double>(count);
    }
  }
  const std::size_t least = std::min(pairs_.size(), classes.size());
  if (least < 2 || 2 * static_cast<double>(std::max(pairs_.size(), classes.size())) > all) return std::nullopt;
  // chi^2 = n (sum of observed^2 / (row * column) - 1)
  double sum = 0;
  for (const auto& [category, counts] : pairs_) {
    double row = 0;
    for (const auto& [name, count] : counts) row += static_cast<double>(count);
    for (const auto& [name, count] : counts) sum += static_cast<double>(count) * static_cast<double>(count) / (row * classes[name]);
  }
  return std::sqrt(std::max(0.0, sum - 1) / static_cast<double>(least - 1));
}

}  // namespace smtrain::run
