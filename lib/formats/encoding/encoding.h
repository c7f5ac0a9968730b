// Encoding: how the columns of a CSV as people have it become features and a label: which are numbers, which categories, what
// stands for a missing value. Found once (encoding_fit.h), saved, and applied again to new data (row_encoder.h).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace smtrain::formats {

enum class ColumnUse {
  number,
  one_hot,  ///< a feature of 0 or 1 for each category
  ordinal,  ///< the number of the category, from 0
};

enum class MissingRule {
  refuse,
  drop,  ///< the row is left out
  fill,  ///< ColumnEncoding::fill; a missing category is 0 in all of its features, or -1 as a number
  keep,  ///< NaN
};

struct ColumnEncoding {
  std::string name;        ///< by the header; else its number
  std::size_t column = 0;  ///< in the file that the encoding was found on, from 0
  ColumnUse use = ColumnUse::number;
  /// In the order of their codes: numbers ascending, then texts by bytes. Numbers stand in their shortest form.
  std::vector<std::string> categories;
  MissingRule missing = MissingRule::refuse;
  double fill = 0;
  std::string fill_by;     ///< "mean", "median" or "" for a given number
  bool indicator = false;  ///< one more feature: 1 where the value is missing

  std::size_t width() const { return (use == ColumnUse::one_hot ? categories.size() : 1) + (indicator ? 1 : 0); }
};

struct Encoding {
  std::vector<ColumnEncoding> features;
  std::optional<ColumnEncoding> label;     ///< a number, or ordinal: classes
  std::vector<std::string> missing_texts;  ///< that mean a missing value, beside those that always do
  bool header = false;
  std::size_t columns = 0;                 ///< of the file

  std::size_t width() const;
  /// "age", "workclass=Private", "age=missing"
  std::vector<std::string> feature_names() const;
  /// Rows are mostly zeros: over 256 features, of which at least three in four are of one-hot columns.
  bool sparse() const;
};

/// A category or class as it is compared: a number in its shortest form, any other text as it is.
std::string canonical_category(std::string_view text);

/// The empty field, NA, N/A, NaN, nan, null and NULL.
bool always_missing(std::string_view text);

/// As JSON, for people to read as well; the same bytes for the same encoding.
std::string encoding_to_json(const Encoding& encoding);
/// Throws a user Error that names `source` and what is wrong.
Encoding encoding_from_json(const std::string& text, const std::string& source);

}  // namespace smtrain::formats
