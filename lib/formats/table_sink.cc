#include "formats/table_sink.h"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "base/error.h"
#include "base/parallel.h"

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
    : compression_(compression_by_suffix(path)),
      threads_(std::max(threads, 1)),
      writer_(make_table_writer(options)),
      file_(path),
      scratch_(static_cast<std::size_t>(threads_)) {
  if (writer_->compresses() && compression_ != Compression::none) {
    throw user_error("{}: {} is compressed inside; write it to a name without .gz or .zst", path, options.type.to_string());
  }
  if (!writer_->begins_with_counts() || (compression_ == Compression::none && file_.seekable())) return;
  throw user_error("{}: {} begins with the number of its rows, which is known at the end; write it to a plain file{}",
                   path == "-" ? "standard output" : path, options.type.to_string(),
                   compression_ == Compression::none ? "" : " and compress that");
}

void TableSink::write_outside_rows(const std::string& text) {
  if (text.empty()) return;
  std::string bytes;
  append_compressed(compression_, text, bytes);
  file_.write(bytes);
}

void TableSink::encode(const Batch& batch, std::size_t first, std::size_t count, Scratch& scratch) const {
  scratch.text.clear();
  writer_->encode(batch, first, count, scratch.text);
  if (compression_ == Compression::none) return;
  scratch.compressed.clear();
  append_compressed(compression_, scratch.text, scratch.compressed);
}

void TableSink::write(const Batch& batch) {
  if (!begun_) {
    std::string text;
    writer_->begin(batch, text);
    write_outside_rows(text);
    begun_ = true;
  }
  if (batch.rows == 0) return;
  writer_->count(batch);
  const std::size_t step = chunk_rows(batch, compression_, writer_->chunk_numbers()), chunks = (batch.rows + step - 1) / step;
  ExceptionTrap trap;
  std::atomic<std::size_t> next = 0, turn = 0;
  // Written in order inside the loop: while one thread hands its chunk to the kernel, the others encode the next ones.
  run_team(threads_, [&](int index) {
    Scratch& scratch = scratch_[static_cast<std::size_t>(index)];
    for (std::size_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
      const std::size_t first = chunk * step;
      trap.run(chunk, [&] { encode(batch, first, std::min(step, batch.rows - first), scratch); });
      for (std::size_t now; (now = turn.load()) != chunk;) turn.wait(now);
      trap.run(chunk, [&] {
        if (trap.caught()) return;
        if (compression_ == Compression::none) writer_->place(scratch.text);
        file_.write(scratch.bytes(compression_));
      });
      turn.store(chunk + 1);
      turn.notify_all();
    }
  });
  trap.rethrow();
  rows_ += batch.rows;
}

void TableSink::commit() {
  std::string text;
  if (begun_) writer_->end(text);
  write_outside_rows(text);
  if (begun_ && writer_->begins_with_counts()) file_.write_at(0, writer_->beginning());
  // An empty file is no gzip file; one empty member is.
  if (file_.size() == 0 && compression_ != Compression::none) {
    std::string bytes;
    append_compressed(compression_, {}, bytes);
    file_.write(bytes);
  }
  file_.commit();
}

}  // namespace smtrain::formats
