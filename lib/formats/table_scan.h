// TableScan: what is in a table: counts, statistics by column, first rows, and what is wrong with it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/io/input_files.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

struct ScanOptions {
  TableOptions table;           ///< missing values are passed on for the scan, which counts them
  std::uint64_t max_bytes = 0;  ///< decompressed bytes to look at; 0: everything
  int threads = 1;
  std::size_t first_rows = 5;   ///< rows kept as a sample
  std::size_t max_problems = 20;
  std::size_t max_classes = 100;       ///< distinct label values counted, beyond that labels are real numbers
  std::size_t max_columns = 1u << 20;  ///< wider tables get no statistics by column
  std::optional<std::string> target;   ///< name or number of the column that the others are compared with; else the only label
};

/// Over the finite values of one column. Sparse columns count their implicit zeros.
struct ColumnStats {
  std::uint64_t values = 0, zeros = 0, missing = 0, infinite = 0;
  float min = 0, max = 0;     ///< 0 when there are no values
  double mean = 0, std = 0;   ///< std with n - 1; 0 for fewer than two values
  bool integral = true;       ///< every value is a whole number
};

struct LabelStats {
  ColumnStats stats;
  std::map<float, std::uint64_t> counts;  ///< of each distinct value; empty when there are more than max_classes
};

struct FileScan {
  InputFile file;
  std::string compression;     ///< "", "gzip", "zstd"; of files that were opened
  std::uint64_t records = 0;   ///< counted
  bool complete = false;       ///< read to its end
};

/// What the columns are compared with.
struct TargetScan {
  std::optional<std::size_t> column;  ///< a feature; absent: the label
  LabelStats label;
  std::vector<double> correlations;   ///< Pearson's, of each feature; NaN where there is none to be had
};

struct TableScan {
  std::optional<TableSchema> schema;   ///< absent when not even the first record could be read
  std::vector<FileScan> files;
  std::uint64_t records = 0;           ///< counted in all files
  std::uint64_t records_read = 0;      ///< of those, the ones that the statistics are over: those without a problem
  bool exact = false;                  ///< all files were read to their ends
  std::optional<std::uint64_t> estimated_records;  ///< in all files, when not exact and their sizes are known
  std::vector<ColumnStats> columns;    ///< feature_dim of them, or none
  ColumnStats all;                     ///< over all features
  std::vector<LabelStats> labels;      ///< label_width of them
  std::optional<TargetScan> target;    ///< where there is one and statistics are by column
  std::uint64_t stored = 0;            ///< values stored, for sparse tables
  std::vector<std::vector<float>> rows, row_labels;  ///< the first rows, dense ones
  std::vector<std::string> problems;   ///< one per bad record, in file order
  bool more_problems = false;
};

/// Reads the files in order, in blocks parsed by the team of threads. The result does not depend on `threads`. Data that
/// cannot be read is an answer (`problems`), not an exception; a file that cannot be opened, and a target that is no column, is.
TableScan scan_table(const std::vector<InputFile>& files, const ScanOptions& options, Log& log);

}  // namespace smtrain::formats
