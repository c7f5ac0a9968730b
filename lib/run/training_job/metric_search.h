// MetricSearch: observations of metrics in lines of text, by the user's regular expressions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::run::training_job {

struct MetricDefinition;

struct Observation {
  std::string_view metric;  ///< name; lives as long as the search
  double value = 0;
};

/// Time and memory are linear in a line's length, whatever the expressions: RE2 runs them, so there are no look-around and no
/// back references. `#011` in an expression is a TAB, as the log service shows one. Thread-safe.
class MetricSearch {
 public:
  explicit MetricSearch(const std::vector<MetricDefinition>& definitions);
  ~MetricSearch();

  /// Of each metric the first match in the line, its first group as a number; what is no finite number is left out.
  std::vector<Observation> search(std::string_view line) const;

  /// What is wrong with an expression: "" when it can be used.
  static std::string problem_of(const std::string& regex);

 private:
  struct Expression;
  std::vector<std::unique_ptr<Expression>> expressions_;
};

}  // namespace smtrain::run::training_job
