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

TableSink::TableSink(const std::string& path, const TableWriterOptions& options, int threads, std::size_t waiting_bytes)
    : writer_(make_table_writer(options)), sink_(path, threads), waiting_bytes_(waiting_bytes) {
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
  if (writer_->chunk_numbers() > 0) return write_in_blocks(batch);
  write_rows(batch, chunk_rows(batch, sink_.compression(), 0));
}

void TableSink::write_in_blocks(const Batch& batch) {
  // By the first rows alone, so that neither threads nor the sizes of batches tell.
  if (block_rows_ == 0) {
    const std::size_t row_bytes = std::max<std::size_t>(1, WaitingRows::bytes_of(batch) / batch.rows);
    block_rows_ = std::clamp<std::size_t>(waiting_bytes_ / row_bytes, 1,
                                          chunk_rows(batch, sink_.compression(), writer_->chunk_numbers()));
  }
  for (std::size_t done = 0, take; done < batch.rows; done += take) {
    const std::size_t left = batch.rows - done;
    if (waiting_.rows() == 0 && left >= block_rows_) {
      take = left / block_rows_ * block_rows_;
      write_rows(rows_of(batch, done, take), block_rows_);
      continue;
    }
    take = std::min(left, block_rows_ - waiting_.rows());
    waiting_.append(rows_of(batch, done, take));
    if (waiting_.rows() == block_rows_) write_waiting();
  }
}

void TableSink::write_waiting() {
  if (waiting_.rows() == 0) return;
  const Batch batch = waiting_.batch();
  write_rows(batch, block_rows_);
  waiting_.clear();
}

void TableSink::write_rows(const Batch& batch, std::size_t step) {
  writer_->count(batch);
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
  write_waiting();
  std::string text;
  if (begun_) writer_->end(text);
  sink_.write(text);
  if (begun_ && writer_->begins_with_counts()) sink_.write_at(0, writer_->beginning());
  return sink_.finish();
}

}  // namespace smtrain::formats
