// ScanSums: what a scan gathers of a table, block by block; merged in block order.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "formats/column_sums.h"
#include "formats/table_scan.h"
#include "formats/target_sums.h"

namespace smtrain::formats {

/// Distinct values of one label column, until there are too many.
class ClassCounter {
 public:
  explicit ClassCounter(std::size_t most) : most_(most) {}
  void add(float value, std::uint64_t count) {
    if (too_many_ || value != value) return;
    counts_[value] += count;
    if (counts_.size() > most_) {
      too_many_ = true;
      counts_.clear();
    }
  }
  void merge(const ClassCounter& other) {
    if (other.too_many_) too_many_ = true, counts_.clear();
    for (const auto& [value, count] : other.counts_) add(value, count);
  }
  const std::map<float, std::uint64_t>& counts() const { return counts_; }
  void add_all(std::span<const float> values) {
    for (const float value : values) add(value, 1);
  }

 private:
  std::size_t most_;
  bool too_many_ = false;
  std::map<float, std::uint64_t> counts_;
};

/// Which column the others are compared with.
struct ScanTarget {
  bool wanted = false;
  std::optional<std::size_t> column;  // else the label
  float pivot = 0;
};

/// The target's part of one block, or of all.
struct TargetPart {
  TargetPart(std::span<const float> pivot, const ScanTarget& target, std::size_t max_classes)
      : sums(pivot, target.pivot), column(std::vector<float>{target.pivot}), classes(max_classes) {}
  void merge(const TargetPart& other) {
    sums.merge(other.sums);
    column.merge(other.column);
    classes.merge(other.classes);
  }
  TargetSums sums;
  ColumnSums column;
  ClassCounter classes;
};

/// What one block, or all of them, amounts to.
struct ScanSums {
  ScanSums(std::span<const float> pivot, const TableSchema& schema, const ScanTarget& target, const ScanOptions& options)
      : features(pivot), labels(std::vector<float>(schema.label_width)), classes(schema.label_width, ClassCounter(options.max_classes)) {
    if (target.wanted) against.emplace(pivot, target, options.max_classes);
  }
  void merge(const ScanSums& other) {
    features.merge(other.features);
    labels.merge(other.labels);
    for (std::size_t i = 0; i < classes.size(); ++i) classes[i].merge(other.classes[i]);
    if (against) against->merge(*other.against);
    rows += other.rows;
    stored += other.stored;
  }
  ColumnSums features, labels;
  std::vector<ClassCounter> classes;
  std::optional<TargetPart> against;
  std::uint64_t rows = 0, stored = 0;
};

}  // namespace smtrain::formats
