#include "formats/spool.h"

#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/memory.h"

namespace smtrain::formats {
namespace {

// Everything a batch from the spool points to.
struct Loaded {
  std::shared_ptr<float> floats;
  std::shared_ptr<std::uint64_t> indptr, qids;
  std::shared_ptr<std::uint32_t> indices;
};

}  // namespace

void Spool::write(const void* from, std::size_t bytes) {
  if (!fd_) fd_ = open_scratch_file();
  const char* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t n = ::pwrite(fd_.get(), at, bytes, static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      throw machine_error("cannot keep rows for the next epoch in scratch (TMPDIR): {}; give --memory-limit more, or a file "
                          "instead of a pipe", errno_text(errno));
    }
    at += n;
    bytes -= static_cast<std::size_t>(n);
    size_ += static_cast<std::uint64_t>(n);
  }
}

void Spool::read(void* to, std::size_t bytes, std::uint64_t& offset) const {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t n = ::pread(fd_.get(), at, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw machine_error("cannot read rows back from scratch (TMPDIR): {}", n < 0 ? errno_text(errno) : "end of file");
    at += n;
    bytes -= static_cast<std::size_t>(n);
    offset += static_cast<std::uint64_t>(n);
  }
}

void Spool::append(const Batch& batch) {
  Entry entry{batch, size_, 0};
  if (batch.sparse()) {
    entry.nonzeros = batch.indptr[batch.rows] - batch.indptr[0];
    write(batch.indptr, (batch.rows + 1) * sizeof(std::uint64_t));
    write(batch.indices, entry.nonzeros * sizeof(std::uint32_t));
    write(batch.values, entry.nonzeros * sizeof(float));
  } else {
    for (std::size_t i = 0; i < batch.rows; i += batch.ld == batch.cols ? batch.rows : 1) {
      const std::size_t rows = batch.ld == batch.cols ? batch.rows : 1;
      write(batch.dense + i * batch.ld, rows * batch.cols * sizeof(float));
    }
  }
  if (batch.labels != nullptr) write(batch.labels, batch.rows * batch.label_width * sizeof(float));
  if (batch.weights != nullptr) write(batch.weights, batch.rows * sizeof(float));
  if (batch.qids != nullptr) write(batch.qids, batch.rows * sizeof(std::uint64_t));
  entry.shape.owner.reset();
  entries_.push_back(std::move(entry));
}

bool Spool::next(Batch& batch) {
  if (next_ == entries_.size()) return false;
  const Entry& entry = entries_[next_++];
  batch = entry.shape;
  auto loaded = std::make_shared<Loaded>();
  std::uint64_t offset = entry.offset;
  const std::size_t values = entry.shape.sparse() ? entry.nonzeros : batch.rows * batch.cols;
  const std::size_t labels = entry.shape.labels != nullptr ? batch.rows * batch.label_width : 0;
  loaded->floats = allocate_array<float>(values + labels + batch.rows);
  float* at = loaded->floats.get();
  if (entry.shape.sparse()) {
    loaded->indptr = allocate_array<std::uint64_t>(batch.rows + 1);
    loaded->indices = allocate_array<std::uint32_t>(entry.nonzeros);
    read(loaded->indptr.get(), (batch.rows + 1) * sizeof(std::uint64_t), offset);
    read(loaded->indices.get(), entry.nonzeros * sizeof(std::uint32_t), offset);
    batch.indptr = loaded->indptr.get();
    batch.indices = loaded->indices.get();
    batch.values = at;
  } else {
    batch.dense = at;
    batch.ld = batch.cols;
  }
  read(at, values * sizeof(float), offset);
  if (labels > 0) {
    read(at + values, labels * sizeof(float), offset);
    batch.labels = at + values;
  }
  if (entry.shape.weights != nullptr) {
    read(at + values + labels, batch.rows * sizeof(float), offset);
    batch.weights = at + values + labels;
  }
  if (entry.shape.qids != nullptr) {
    loaded->qids = allocate_array<std::uint64_t>(batch.rows);
    read(loaded->qids.get(), batch.rows * sizeof(std::uint64_t), offset);
    batch.qids = loaded->qids.get();
  }
  batch.owner = std::move(loaded);
  return true;
}

}  // namespace smtrain::formats
