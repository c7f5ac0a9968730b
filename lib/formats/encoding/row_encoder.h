// RowEncoder: records of text to rows of numbers, as an Encoding says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "formats/encoding/encoding.h"
#include "formats/table_parser.h"
#include "formats/text/csv_records.h"

namespace smtrain::formats {

/// What came up on the way.
struct EncodingNotes {
  struct Unseen {
    std::uint64_t values = 0;
    std::string first, place;
  };
  std::map<std::string, Unseen> unseen;  ///< categories that the encoding does not know, by column
  std::uint64_t dropped = 0;             ///< rows left out for a missing value

  /// Of records that come after these.
  void add(const EncodingNotes& later);
};

/// const and thread-safe.
class RowEncoder {
 public:
  /// Columns of the records are found by name where both have names, else by number; a file without the label column gives rows
  /// without labels. Throws a user Error that names the columns that are not there.
  RowEncoder(const Encoding& encoding, const CsvRecords& records);

  const TableSchema& schema() const { return schema_; }

  /// Working memory of one thread.
  struct Scratch {
    std::vector<float> values;
    std::vector<std::uint32_t> indices;
  };
  /// Appends the record to `out` as RowPacking packs rows of this schema; false when a missing value drops it. A category that is
  /// not known is like a missing one that is filled, and noted. Throws a user Error with the place for text that is no number,
  /// values that must not be missing, and classes that are not known.
  bool encode(const CsvRecord& record, const std::string& source, Scratch& scratch, std::string& out, EncodingNotes& notes) const;

 private:
  struct Column {
    const ColumnEncoding* encoding;
    std::size_t field;  // in the records
    std::size_t first;  // of its features
    std::unordered_map<std::string, std::uint32_t> codes;
  };
  struct Place;

  Column column_for(const ColumnEncoding& encoding, std::size_t field, std::size_t first) const;
  bool is_missing(std::string_view text) const;
  bool encode_field(const Column& column, const Place& place, Scratch& scratch, EncodingNotes& notes) const;
  std::optional<float> encode_label(const Place& place) const;
  float number(const Column& column, std::string_view text, const Place& place) const;

  Encoding encoding_;
  std::vector<Column> features_;
  std::optional<Column> label_;
  std::unordered_set<std::string> missing_texts_;
  TableSchema schema_;
};

}  // namespace smtrain::formats
