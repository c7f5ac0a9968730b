// TableSink: batches into a file, encoded and compressed by a team of threads, whole or absent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "formats/batch.h"
#include "formats/chunk_sink.h"
#include "formats/table_writer.h"
#include "formats/waiting_rows.h"

namespace smtrain::formats {

/// Rows are encoded in chunks whose size follows from the width of the rows alone, so that the bytes of the file do not
/// depend on the number of threads. The file is compressed when its suffix says so; "-" is standard output; neither serves
/// formats that begin with the number of their rows. Not thread-safe.
///
/// Formats of large blocks (TableWriter::chunk_numbers()) get full blocks, however few rows come at a time: rows that fill none
/// are copied and wait. Where a block takes more than `waiting_bytes`, blocks are smaller.
class TableSink {
 public:
  /// Opens the output; what it cannot write is refused before any data is read.
  TableSink(const std::string& path, const TableWriterOptions& options, int threads,
            std::size_t waiting_bytes = std::size_t{64} << 20);

  /// Throws the first failure in row order.
  void write(const Batch& batch);
  /// Writes what stands after the last record, and gives the file, to be committed; nothing may be written after it. A sink that
  /// got no batch has an empty file.
  AtomicFile& finish();
  /// Finishes, syncs and renames.
  void commit() { finish().commit(); }

  std::uint64_t rows() const { return rows_ + waiting_.rows(); }
  /// Bytes in the file so far, after compression.
  std::uint64_t bytes() const { return sink_.bytes(); }

 private:
  void write_in_blocks(const Batch& batch);
  void write_waiting();
  void write_rows(const Batch& batch, std::size_t step);

  std::unique_ptr<TableWriter> writer_;
  ChunkSink sink_;
  const std::size_t waiting_bytes_;
  std::size_t block_rows_ = 0;  // of formats of large blocks, once there are rows
  WaitingRows waiting_;
  std::uint64_t rows_ = 0;
  bool begun_ = false;
};

}  // namespace smtrain::formats
