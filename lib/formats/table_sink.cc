#include "formats/table_sink.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"

namespace smtrain::formats {
namespace {

// Large enough to compress well, small enough that a chunk stays in a second-level cache between encoding and writing.
constexpr std::size_t kChunkNumbers = std::size_t{64} << 10;
constexpr std::size_t kChunkNumbersCompressed = std::size_t{128} << 10;

std::size_t numbers_of(const Batch& batch) {
  if (!batch.sparse()) return batch.rows * batch.cols;
  return static_cast<std::size_t>(batch.indptr[batch.rows] - batch.indptr[0]) * 2;
}

// Sparse chunks are cut by rows as well, of the batch's mean size: batches do not depend on threads.
std::size_t chunk_rows(const Batch& batch, Compression compression, std::size_t wanted) {
  const std::size_t row = std::max<std::size_t>(1, numbers_of(batch) / std::max<std::size_t>(1, batch.rows)) + batch.label_width;
  const std::size_t numbers = wanted > 0 ? wanted : compression == Compression::none ? kChunkNumbers : kChunkNumbersCompressed;
  return std::max<std::size_t>(1, numbers / row);
}

}  // namespace

TableSink::TableSink(const std::string& path, const TableWriterOptions& options, int threads)
    : writer_(make_table_writer(options)), sink_(path, threads) {
  const bool compressed = sink_.compression() != Compression::none;
  if (writer_->compresses() && compressed) {
    throw user_error("{}: {} is compressed inside; write it to a name without .gz or .zst", path, options.type.to_string());
  }
  if (!writer_->begins_with_counts() || (!compressed && sink_.seekable())) return;
  throw user_error("{}: {} begins with the number of its rows, which is known at the end; write it to a plain file{}",
                   path == "-" ? "standard output" : path, options.type.to_string(), compressed ? " and compress that" : "");
}

void TableSink::write(const Batch& batch) {
  if (!begun_) {
    std::string text;
    writer_->begin(batch, text);
    sink_.write(text);
    begun_ = true;
  }
  if (batch.rows == 0) return;
  writer_->count(batch);
  const std::size_t step = chunk_rows(batch, sink_.compression(), writer_->chunk_numbers());
  sink_.write(
      (batch.rows + step - 1) / step,
      [&](std::size_t chunk, std::string& out) {
        const std::size_t first = chunk * step;
        writer_->encode(batch, first, std::min(step, batch.rows - first), out);
      },
      [&](std::string& text) { writer_->place(text); });
  rows_ += batch.rows;
}

AtomicFile& TableSink::finish() {
  std::string text;
  if (begun_) writer_->end(text);
  sink_.write(text);
  if (begun_ && writer_->begins_with_counts()) sink_.write_at(0, writer_->beginning());
  return sink_.finish();
}

}  // namespace smtrain::formats
