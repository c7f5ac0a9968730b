#include "run/inspect/field_stats.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"

namespace smtrain::run {
namespace {

struct Drawn {
  std::vector<double> numbers;
  std::vector<std::string> classes;
};

Drawn draw(std::mt19937& random, std::size_t n) {
  Drawn drawn;
  for (std::size_t i = 0; i < n; ++i) {
    drawn.numbers.push_back(static_cast<double>(random() % 1000) / 8);
    drawn.classes.push_back(std::string(1, static_cast<char>('a' + random() % 4)));
  }
  return drawn;
}

double mean(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}

double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean(x)) * (y[i] - mean(y));
    xx += (x[i] - mean(x)) * (x[i] - mean(x));
    yy += (y[i] - mean(y)) * (y[i] - mean(y));
  }
  return xy / std::sqrt(xx * yy);
}

double eta(const std::vector<double>& x, const std::vector<std::string>& classes) {
  std::map<std::string, std::vector<double>> groups;
  for (std::size_t i = 0; i < x.size(); ++i) groups[classes[i]].push_back(x[i]);
  double between = 0, total = 0;
  for (const auto& [name, group] : groups) between += static_cast<double>(group.size()) * std::pow(mean(group) - mean(x), 2);
  for (const double v : x) total += std::pow(v - mean(x), 2);
  return std::sqrt(between / total);
}

double cramer(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::map<std::string, double> rows, columns;
  std::map<std::pair<std::string, std::string>, double> cells;
  const auto n = static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++rows[a[i]];
    ++columns[b[i]];
    ++cells[{a[i], b[i]}];
  }
  double chi2 = 0;
  for (const auto& [r, row] : rows) {
    for (const auto& [c, column] : columns) {
      const double expected = row * column / n;
      chi2 += std::pow(cells[{r, c}] - expected, 2) / expected;
    }
  }
  return std::sqrt(chi2 / n / static_cast<double>(std::min(rows.size(), columns.size()) - 1));
}

FieldStats stats_of(const std::vector<std::string>& fields, const std::vector<std::string>& labels, bool numbers) {
  FieldStats stats;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    LabelField label;
    label.text = labels[i];
    if (numbers) label.number = std::stod(labels[i]);
    stats.add(fields[i], &label);
  }
  return stats;
}

std::vector<std::string> texts(const std::vector<double>& numbers) {
  std::vector<std::string> out;
  for (const double x : numbers) out.push_back(format_number(x));
  return out;
}

}  // namespace

TEST_CASE("field stats: associations are those of their definitions", "[run][inspect]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 20; ++trial) {
    const std::size_t n = 50 + random() % 200;
    const Drawn a = draw(random, n), b = draw(random, n);
    CHECK(*stats_of(texts(a.numbers), texts(b.numbers), true).association(true) == Approx(pearson(a.numbers, b.numbers)).margin(1e-9));
    CHECK(*stats_of(texts(a.numbers), b.classes, false).association(false) == Approx(eta(a.numbers, b.classes)).margin(1e-9));
    CHECK(*stats_of(a.classes, texts(b.numbers), true).association(true) == Approx(eta(b.numbers, a.classes)).margin(1e-9));
    CHECK(*stats_of(a.classes, b.classes, false).association(false) == Approx(cramer(a.classes, b.classes)).margin(1e-7));
  }
}

TEST_CASE("field stats: kinds, ranges and missing values", "[run][inspect]") {
  FieldStats mixed;
  for (const char* field : {"1", "2.5", "", "NA", "blue", "blue", "1.0"}) mixed.add(field, nullptr);
  CHECK(mixed.kind() == FieldStats::Kind::texts);
  CHECK(mixed.missing() == 2);
  CHECK(mixed.values() == 5);
  CHECK(mixed.texts() == 2);
  CHECK(mixed.distinct() == 3);  // 1 and 1.0 are one
  CHECK(mixed.categories().at("blue") == 2);
  CHECK(mixed.max() == 2.5);
  FieldStats infinite;
  for (const char* field : {"inf", "-Infinity", "3"}) infinite.add(field, nullptr);
  CHECK(infinite.kind() == FieldStats::Kind::numbers);
  CHECK(infinite.infinite() == 2);
  CHECK(infinite.max() == 3);
  FieldStats dates;
  dates.add("2026-01-31", nullptr);
  CHECK(dates.kind() == FieldStats::Kind::dates);
  CHECK(FieldStats().kind() == FieldStats::Kind::empty);
  FieldStats many;
  for (std::size_t i = 0; i <= FieldStats::kMostCategories; ++i) many.add("w" + std::to_string(i), nullptr);
  CHECK_FALSE(many.distinct());
}

TEST_CASE("field stats: what does not vary goes with nothing", "[run][inspect]") {
  CHECK_FALSE(stats_of({"1", "1", "1"}, {"2", "3", "4"}, true).association(true));
  CHECK_FALSE(stats_of({"a", "a", "a"}, {"x", "y", "x"}, false).association(false));
  CHECK_FALSE(stats_of({"1", "2", "3"}, {"x", "x", "x"}, false).association(false));
  // A class for each record says nothing, however well it goes.
  CHECK_FALSE(stats_of({"a", "b", "c", "d"}, {"x", "y", "x", "y"}, false).association(false));
  CHECK_FALSE(stats_of({"a", "b", "c", "d"}, {"1", "2", "3", "4"}, true).association(true));
}

}  // namespace smtrain::run
