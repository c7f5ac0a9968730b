// CSV as records of text: the fields as they stand, for what is not, or not yet, a table of numbers.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "formats/content_type.h"
#include "formats/record_cutter.h"
#include "formats/text/csv_scan.h"

namespace smtrain::formats {

/// How records of text stand in their files.
struct CsvTextForm {
  CsvDialect dialect;
  bool header = false;
  bool of_parquet = false;  ///< the files are Parquet, read as text (parquet/csv_stream.h): with a header

  /// By a content type of CSV or Parquet.
  static CsvTextForm of(const ContentType& type);
};

/// Cuts CSV at the ends of records, line feeds in quotes passed over. Blank lines and a leading BOM are no records, nor, with
/// `header`, is the first record of each file. Quotes that do not close are a user Error.
class CsvTextCutter final : public RecordCutter {
 public:
  CsvTextCutter(const CsvTextForm& form, std::size_t max_record_bytes) : form_(form), max_record_bytes_(max_record_bytes) {}
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::unique_ptr<ByteStream> open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) override;

 private:
  CsvTextForm form_;
  std::size_t max_record_bytes_;
};

/// Steps through the records of a block that CsvTextCutter has cut, or CsvParser.
class CsvTexts {
 public:
  CsvTexts(const RawBlock& block, CsvDialect dialect);
  /// Goes to the next record; false at the end. Throws a user Error with the place for text behind a closing quote.
  bool next();
  /// Its fields, without surrounding blanks and quotes, doubled quotes made single; valid until the next one.
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// As it stands, line end included if there is one.
  std::string_view text() const { return text_; }
  /// Number of its first line.
  std::uint64_t line() const { return line_; }
  /// "train/a.csv:12"
  std::string place() const;

 private:
  void read_fields(const char* p, const char* stop);

  const RawBlock& block_;
  CsvDialect dialect_;
  const char* at_;
  const char* end_;
  std::uint64_t line_, next_line_;
  std::string_view text_;
  std::vector<std::string_view> fields_;
  std::deque<std::string> unquoted_;  // fields that had doubled quotes
};

/// The names in the header of a file, its first record; of the first file that has a byte. Empty when none has. A user
/// Error for a file that can be read once only.
std::vector<std::string> csv_header(const std::vector<InputFile>& files, const CsvTextForm& form);

}  // namespace smtrain::formats
