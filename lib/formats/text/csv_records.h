// CsvRecords: CSV as people have it: fields of text, perhaps a header, a delimiter of its own; and Parquet, read as such.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "formats/block_team.h"
#include "formats/content_type.h"
#include "formats/text/csv_texts.h"

namespace smtrain::formats {

/// One record.
struct CsvRecord {
  std::span<const std::string_view> fields;  ///< without surrounding blanks and quotes
  std::string_view text;                     ///< as it stands, line end included if there is one
  std::uint64_t line = 0;
};

/// The records of some files, by a team of threads. One caller.
class CsvRecords {
 public:
  /// Parameters of `type`: delimiter, quote, header as for CsvParser; label and label_size are left to the caller. A delimiter or
  /// a header that is not said is told by the first lines, and named in the log: of comma, semicolon, tab and pipe the one that
  /// the first line has most; a header where the first line has no number and the second one has some in columns of distinct
  /// names. Of Parquet the columns' names are the header, and the lines that errors name are those of its text: row r, from 0, is
  /// line r + 2 unless texts have line feeds.
  CsvRecords(std::vector<InputFile> files, const ContentType& type, const BlockTeamOptions& options, Log& log);
  ~CsvRecords();

  /// Empty without a header.
  const std::vector<std::string>& names() const { return names_; }
  std::size_t columns() const { return columns_; }
  /// The header line as it stands, line end included; "" without one.
  const std::string& header_line() const { return header_line_; }
  const CsvDialect& dialect() const { return dialect_; }
  /// `type` with what was found.
  const ContentType& type() const { return type_; }
  /// The column in words: "age", or "column 3" (from 0) without a header.
  std::string column_name(std::size_t column) const;

  using Parse = BlockTeam::Parse;
  /// As BlockTeam's; the blocks' bytes are records, which each() takes apart.
  std::size_t round(const Parse& parse);
  std::size_t blocks_per_round() const;
  /// Calls take(record) for each record of a block. Thread-safe. Throws a user Error, with the line, for a record of another
  /// number of columns and for text after a closing quote.
  template <class Take>
  void each(const RawBlock& block, Take&& take) const {
    for (CsvTexts records(block, dialect_); records.next();) {
      check_columns(records);
      take(CsvRecord{records.fields(), records.text(), records.line()});
    }
  }

  const BlockTeam& team() const;

 private:
  class Cutter;

  void check_columns(const CsvTexts& record) const;
  void open(Log& log);

  ContentType type_;
  CsvDialect dialect_;
  std::vector<std::string> names_;
  std::size_t columns_ = 0;
  std::string header_line_;
  std::size_t max_record_bytes_;
  std::unique_ptr<Cutter> cutter_;
  std::unique_ptr<BlockTeam> team_;
};

}  // namespace smtrain::formats
