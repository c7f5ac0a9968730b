// Series: DeepAR's records, one whole time series each (share/doc/formats/series.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/content_type.h"
#include "formats/record_stream.h"
#include "formats/series/calendar.h"

namespace smtrain::formats {

/// One series. Numbers are float64, as written.
struct Series {
  TimeStamp start = 0;
  std::vector<double> target;                     ///< NaN where missing
  std::vector<std::uint32_t> cat;                 ///< from 0
  std::vector<std::vector<double>> dynamic_feat;  ///< of K features, each at least as long as target; nothing missing
  std::string item_id;                            ///< "item_id" or "id", a string or number; empty: none. DeepAR ignores it
  std::shared_ptr<const std::string> source;      ///< where it stands, for messages
  std::uint64_t line = 0;                         ///< from 1; 0 in Parquet
  std::uint64_t row = 0;                          ///< from 0, in Parquet

  /// "train/a.json:12" or "train/a.parquet, row 11"
  std::string where() const;
};

/// What a record says wrongly about itself: a feature shorter than the target, a missing value in a feature, a year beyond 9999.
/// Throws a user Error that names the field and not the place.
void check_series(const Series& series);

/// All records of a channel must have as many categories and as many features as the first. Throws a user Error with the place.
class SeriesShape {
 public:
  void check(const Series& series);
  std::size_t categories() const { return first_ ? first_->cat.size() : 0; }
  std::size_t features() const { return first_ ? first_->dynamic_feat.size() : 0; }

 private:
  std::optional<Series> first_;  // without its numbers
};

/// DeepAR's records out of files, in order. Not thread-safe.
class SeriesReader {
 public:
  virtual ~SeriesReader() = default;
  /// Replaces `series` by the next ones; false at the end. Throws user Errors with file, line or record, field, what was found
  /// and what was expected.
  virtual bool next(std::vector<Series>& series) = 0;
  /// Bytes of the files read so far.
  virtual std::uint64_t bytes_consumed() const = 0;
};

/// Reads JSON Lines and Parquet, each file as its suffix or else its first bytes say. Field start is a string (in Parquet a
/// timestamp or date too), target a list of numbers with null or "NaN" where one is missing, cat a list of integers or one,
/// dynamic_feat a list of lists; other fields are passed over. `log` must outlive the reader.
std::unique_ptr<SeriesReader> open_series(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log);

/// Those of the files that DeepAR reads: .json, .jsonl (with .gz or .zst) and .parquet, or all when there is one only or a
/// content type is `given`. A user Error when none is left; the others are counted in the log.
std::vector<InputFile> series_files(std::vector<InputFile> files, bool given, Log& log);

/// Appends the record as a line of JSON.
void append_series(std::string& out, const Series& series);

}  // namespace smtrain::formats
