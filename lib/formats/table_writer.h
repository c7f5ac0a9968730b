// TableWriter: rows out, to every format that can be written; in parallel where that pays, in order always.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "formats/batch.h"
#include "formats/content_type.h"

namespace smtrain::formats {

struct TableWriterOptions {
  ContentType type;
  bool recordio_split = false;  ///< cut records at the magic word (recordio-protobuf.md §1.1)
  std::vector<std::string> column_names;  ///< of the features; written as a header when the type has header=true
};

/// Turns batches into bytes. Labels come first in CSV, in the label map in recordIO. Sparse batches stay sparse where the
/// format can.
class TableWriter {
 public:
  virtual ~TableWriter() = default;
  /// Appends what stands before the first record (a CSV header) to `out`.
  virtual void begin(const Batch& first, std::string& out) = 0;
  /// Appends the encoded rows first … first + count - 1 of `batch` to `out`. const and thread-safe: the caller splits.
  virtual void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const = 0;
  /// Appends what stands after the last record.
  virtual void end(std::string& out) = 0;

  /// For formats of few large blocks: how many numbers encode() wants at a time; 0: as many as suit the caches.
  virtual std::size_t chunk_numbers() const { return 0; }
  /// Called with what one call of encode() gave, in the order of the file, before it is written; may change it.
  virtual void place(std::string& chunk) { (void)chunk; }
  /// Whether the format compresses its own content, so that nothing is gained by compressing the file.
  virtual bool compresses() const { return false; }

  /// Told of each batch, in order, before its rows are encoded.
  virtual void count(const Batch& batch) { (void)batch; }
  /// Formats that begin with the number of their rows: begin() leaves room, and beginning(), asked behind the last record, is as
  /// long as what begin() wrote and takes its place.
  virtual bool begins_with_counts() const { return false; }
  virtual std::string beginning() const { return {}; }
};

/// The writer for a content type; refuses with a user Error what cannot be written, naming what can.
std::unique_ptr<TableWriter> make_table_writer(const TableWriterOptions& options);

}  // namespace smtrain::formats
