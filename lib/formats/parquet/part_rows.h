// PartRows: the numbers of one part, row after row.
#pragma once

#include <atomic>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/parquet/columns.h"
#include "formats/parquet/leaf_reader.h"
#include "formats/parquet/table_plan.h"
#include "formats/table_parser.h"

namespace smtrain::formats::parquet {

/// Decodes the columns of a part as a plan has them. Rows are asked for in ascending order; what lies between is passed over.
/// Throws user Errors with file, row and column: nulls and numbers that are not finite where `missing` refuses them, vectors of another
/// width than the plan's. One thread; plan, part and source must outlive it.
class PartRows {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 17;  ///< rows at a time

  /// `warned_integer`: whether it has been said that float32 rounds integers.
  PartRows(const TablePlan& plan, const Part& part, const std::string& source, Missing missing,
           std::atomic<bool>& warned_integer, Log& log);

  /// How many rows fill() takes with the least work.
  std::size_t tile_rows() const { return tile_rows_; }

  /// All columns of the rows from `first` on, as many as the runs have, at most tile_rows().
  void fill(std::size_t first, std::span<const DenseRun> runs);

  /// One column of numbers: out[i] is row first + i; at most kMost.
  void numbers(std::size_t column, std::size_t first, std::span<float> out);

  /// Calls on_value(place, value) for each entry of a list or vector in one row, in ascending order of places.
  template <class OnValue>
  void entries(std::size_t column, std::size_t row, OnValue&& on_value) {
    const Entries e = check_row(column, row);
    const std::size_t place = plan_.columns[column].place;
    if (e.missing) {
      for (std::size_t i = 0; i < plan_.columns[column].width; ++i) on_value(place + i, NAN);
      return;
    }
    const std::vector<Column>& members = columns_[column].members;
    for (std::size_t i = 0; i < e.count; ++i) {
      const std::size_t index = e.sparse ? static_cast<std::size_t>(members[2].integers[e.indices + i]) : i;
      on_value(place + index, value(column, e.values + i, row));
    }
  }

 private:
  struct State {
    std::optional<LeafReader> reader;  // of numbers
    std::size_t at = 0;                // rows done
    std::vector<Column> members;       // of lists and vectors, once they are needed
  };
  /// One row's entries among the members' values.
  struct Entries {
    bool missing = false, sparse = false;
    std::size_t values = 0, indices = 0, count = 0;
  };
  Entries check_row(std::size_t column, std::size_t row);
  void check_indices(const TableColumn& column, const Entries& entries, const Column& indices, std::size_t row) const;
  float value(std::size_t column, std::size_t i, std::size_t row) const;
  std::size_t read_entries(LeafReader& reader, float* out, std::size_t n, bool& nulls, bool& beyond) const;
  void refuse_number(const TableColumn& column, std::size_t first, std::span<const float> out, bool nulls) const;
  bool has_large_dictionary() const;
  float* tile(std::size_t column) { return tile_ + column * (tile_rows_ + kLine); }
  void fill_group(std::span<const std::size_t> group, std::size_t first, std::span<const DenseRun> runs);
  void fill_aside(std::size_t column, std::size_t first, std::span<const DenseRun> runs);
  void fill_vector(std::size_t column, std::size_t first, std::span<const DenseRun> runs);
  std::string place(const TableColumn& column, std::size_t row) const;
  Missing allowed_in(const TableColumn& column) const;
  [[noreturn]] void refuse(const TableColumn& column, std::size_t row, const std::string& what) const;

  // As many columns as numbers of a row fill a line of the cache. A line lies between the columns of a tile, which else would
  // all want the same places in the cache.
  static constexpr std::size_t kLine = 16, kGroup = kLine;
  // Tiles that stay close to the processor.
  static constexpr std::size_t kFewRows = 1024;

  const TablePlan& plan_;
  const Part& part_;
  const std::string& source_;
  const Missing missing_;
  std::atomic<bool>& warned_integer_;
  Log& log_;
  std::vector<State> columns_;  // as plan_.columns
  std::size_t tile_rows_ = kFewRows;
  PageBuffer tile_memory_;
  float* tile_ = nullptr;
};

}  // namespace smtrain::formats::parquet
