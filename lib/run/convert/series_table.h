// Tables as time series: rows of text, in three layouts, become DeepAR's records.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/log.h"
#include "formats/content_type.h"
#include "formats/record_stream.h"
#include "formats/series/series.h"
#include "run/convert/series_options.h"

namespace smtrain::run {

/// Numbers of the texts of category columns, in the order in which they came up. Saved as {"shop": ["north", "south"]}.
class CategoryNumbers {
 public:
  /// `columns`: names as given. With --categories-from no new text is taken.
  explicit CategoryNumbers(const SeriesOptions& options);
  /// Throws a user Error without a place for a text that has no number.
  std::uint32_t number(std::size_t column, const std::string& text);
  /// Writes --save-categories, whole or not at all.
  void save() const;

 private:
  std::vector<std::string> columns_;
  std::optional<std::string> save_, from_;
  std::vector<std::vector<std::string>> texts_;
  std::vector<std::unordered_map<std::string, std::uint32_t>> numbers_;
};

/// One row of a long table, or of one column of a wide one.
struct Observation {
  formats::TimeStamp time = 0;
  double value = 0;              ///< NaN: missing
  std::vector<double> features;  ///< NaN: missing
  std::uint64_t line = 0;
};

/// The observations of one series, in any order.
struct RawSeries {
  std::string id;
  std::vector<Observation> rows;
  std::vector<std::uint32_t> cat;
  std::shared_ptr<const std::string> source;
};

/// Puts observations on their grid: sorted by time, missing where there is none. Throws user Errors with the place for two
/// observations of one point, times between two points, missing features.
formats::Series on_grid(RawSeries& raw, formats::Frequency frequency);

/// Time series out of a table, in the order in which they come up. Not thread-safe.
///
/// A long table whose series stand together is read as it comes; where the rows of a series do not, SeriesApart is thrown, and
/// the caller reads it again with `gather`, which holds all of it in memory. A wide table is held in memory too. One that takes
/// more than `memory` bytes then is refused with advice.
class SeriesTable {
 public:
  virtual ~SeriesTable() = default;
  /// Replaces `series` by the next ones; false at the end.
  virtual bool next(std::vector<formats::Series>& series) = 0;
  virtual std::uint64_t bytes_consumed() const = 0;
  /// As given or found; known after the first next().
  virtual std::optional<formats::Frequency> frequency() const = 0;
};

/// A series has come up again after others; `where` says which and where.
struct SeriesApart {
  std::string where;
};

struct SeriesTableInput {
  std::vector<formats::InputFile> files;
  formats::ContentType type;
  formats::BlockTeamOptions blocks;
  std::uint64_t memory = 0;
  bool gather = false;
};

/// All columns that the options name, or number.
std::vector<std::string> column_names_in(const SeriesOptions& options);

/// `input.type` says whether there is a header (with_csv_guesses()). `options`, `numbers` and `log` must outlive the table.
std::unique_ptr<SeriesTable> open_series_table(const SeriesTableInput& input, const SeriesOptions& options,
                                               CategoryNumbers& numbers, Log& log);

}  // namespace smtrain::run
