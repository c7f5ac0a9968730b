// RecordSink: packed records into a file, whole or absent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/parting/packed_records.h"
#include "formats/table_parser.h"
#include "formats/table_writer.h"

namespace smtrain::run {

/// Not thread-safe.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void write(const formats::PackedRecords& records) = 0;
  /// Writes all that is still to be written, and gives the file, and what goes with it, to be committed; nothing may be written
  /// after it. A sink that got no record has a file without one.
  virtual std::vector<AtomicFile*> finish() = 0;
  virtual std::uint64_t records() const = 0;
  /// Bytes in the file so far, after compression.
  virtual std::uint64_t bytes() const = 0;
};

/// Rows of a table, packed by RowPacking, in the format that `options` names; `waiting_bytes` as for TableSink.
std::unique_ptr<RecordSink> make_row_sink(const std::string& path, const formats::TableSchema& schema,
                                          const formats::TableWriterOptions& options, int threads, std::size_t waiting_bytes);

/// Records as they are, behind `header`; compressed by the suffix of the path.
std::unique_ptr<RecordSink> make_verbatim_sink(const std::string& path, const std::string& header);

}  // namespace smtrain::run
