// FieldStats: what a column of fields holds, numbers or text, and how it goes with the column that is looked at as the label.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace smtrain::run {

/// Count, mean and spread of some numbers (Welford 1962).
struct Moments {
  std::uint64_t count = 0;
  double mean = 0, m2 = 0;  ///< m2: sum of (x - mean)^2
  void add(double x);
  double std() const;       ///< of the sample; 0 for fewer than two
};

/// A field of the label's column, as the others are compared with it.
struct LabelField {
  std::string_view text;          ///< canonical
  std::optional<double> number;   ///< when the label is a column of numbers
  bool missing = false;
};

/// One column. Categories beyond kMostCategories are not told apart.
class FieldStats {
 public:
  static constexpr std::size_t kMostCategories = 1000;

  /// A field without blanks and quotes around it. `label`: of the same record, or null when there is none.
  void add(std::string_view field, const LabelField* label);

  enum class Kind { empty, numbers, texts, dates };
  /// Of what is not missing: numbers alone, or texts among them; dates when all texts look like dates and there are no numbers.
  Kind kind() const;
  std::uint64_t values() const { return moments_.count + texts_; }
  std::uint64_t texts() const { return texts_; }
  std::uint64_t missing() const { return missing_; }
  /// Numbers that are not finite; they count in nothing else.
  std::uint64_t infinite() const { return infinite_; }
  double min() const { return min_; }
  double max() const { return max_; }
  const Moments& moments() const { return moments_; }
  /// Values by how often they stand there; nullopt when there are too many.
  std::optional<std::size_t> distinct() const;
  const std::map<std::string, std::uint64_t, std::less<>>& categories() const { return categories_; }

  /// How much the label tells of the column: for two columns of numbers Pearson's r, between -1 and 1; for numbers and classes
  /// the correlation ratio eta; for two columns of classes Cramer's V. nullopt where it has no meaning: a column that does not
  /// vary, or has too many values.
  std::optional<double> association(bool label_is_number) const;

 private:
  void associate(std::string_view category, std::optional<double> number, const LabelField& label);
  std::optional<double> pearson() const;
  std::optional<double> cramers_v() const;

  Moments moments_;
  double min_ = 0, max_ = 0;
  std::uint64_t texts_ = 0, dates_ = 0, missing_ = 0, infinite_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> categories_;
  bool many_ = false;

  // With the label.
  Moments x_, y_;
  double xy_ = 0;                                                    // sum of (x - mean x)(y - mean y)
  std::map<std::string, Moments, std::less<>> groups_;               // numbers by the label's class, or the label by the column's
  std::map<std::string, std::map<std::string, std::uint64_t, std::less<>>, std::less<>> pairs_;
  std::size_t pair_count_ = 0;
  bool many_groups_ = false, many_pairs_ = false;
};

/// The correlation ratio (Fisher 1925): sqrt(between-group sum of squares / total sum of squares). nullopt for fewer than two groups, numbers
/// that are all alike, and fewer than two numbers a group.
std::optional<double> correlation_ratio(const std::map<std::string, Moments, std::less<>>& groups);

}  // namespace smtrain::run
