#include "formats/text/libsvm_writer.h"

#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/write_number.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kMaxIndex = 12;  // ten digits, a colon, the blank before

/// One row, in memory that has room for it.
class RowText {
 public:
  RowText(char* to, std::uint64_t index_base) : begin_(to), to_(to), index_base_(index_base) {}
  void label(float value) { to_ = write_number(to_, value); }
  // As 1.0:0.5, so that no reader can take the label for the index of a feature.
  void label(float value, float weight) {
    to_ = write_number(to_, value);
    if (value == std::floor(value) && std::abs(value) < 1e6f) to_ = std::copy_n(".0", 2, to_);
    *to_++ = ':';
    to_ = write_number(to_, weight);
  }
  void qid(std::uint64_t id) {
    separate();
    to_ = std::copy_n("qid:", 4, to_);
    to_ = std::to_chars(to_, to_ + kMaxNumber, id).ptr;
  }
  void feature(std::uint64_t index, float value) {
    separate();
    to_ = std::to_chars(to_, to_ + kMaxIndex, index + index_base_).ptr;
    *to_++ = ':';
    to_ = write_number(to_, value);
  }
  char* finish() {
    *to_++ = '\n';
    return to_;
  }
  bool empty() const { return to_ == begin_; }

 private:
  void separate() {
    if (!empty()) *to_++ = ' ';
  }

  char *begin_, *to_;
  std::uint64_t index_base_;
};

std::size_t features_of(const Batch& batch, std::size_t row) {
  return batch.sparse() ? static_cast<std::size_t>(batch.indptr[row + 1] - batch.indptr[row]) : batch.cols;
}

void write_features(const Batch& batch, std::size_t row, RowText& text) {
  if (batch.sparse()) {
    const std::uint64_t begin = batch.indptr[row] - batch.indptr[0], end = batch.indptr[row + 1] - batch.indptr[0];
    for (std::uint64_t i = begin; i < end; ++i) text.feature(batch.indices[i], batch.values[i]);
    return;
  }
  const float* values = batch.dense + row * batch.ld;
  for (std::size_t i = 0; i < batch.cols; ++i) {
    if (values[i] != 0 || std::isnan(values[i])) text.feature(i, values[i]);
  }
}

}  // namespace

LibsvmWriter::LibsvmWriter(const TableWriterOptions& options) {
  const auto base = options.type.integer("index_base");
  if (base && *base != 0 && *base != 1) throw user_error("content type parameter index_base={}: expected 0 or 1", *base);
  index_base_ = static_cast<std::uint64_t>(base.value_or(0));
}

void LibsvmWriter::begin(const Batch& first, std::string&) {
  if (first.labels != nullptr && first.label_width > 1) {
    throw user_error("libsvm rows have one label; these have {}; write CSV, JSON Lines or recordIO-protobuf", first.label_width);
  }
  if (first.labels == nullptr && first.weights != nullptr) {
    throw user_error("libsvm writes the weight of a row behind its label, and these rows have no label; name one with ;label_size=1 in the "
                     "content type of the input, or write JSON Lines");
  }
}

void LibsvmWriter::encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const {
  for (std::size_t row = first; row < first + count; ++row) {
    const std::size_t before = out.size(), most = features_of(batch, row) * (kMaxNumber + kMaxIndex) + 4 * kMaxNumber;
    if (out.capacity() - before < most) out.reserve(std::max(2 * out.capacity(), before + most));
    out.resize(before + most);
    RowText text(out.data() + before, index_base_);
    if (batch.weights != nullptr) text.label(batch.labels[row], batch.weights[row]);
    else if (batch.labels != nullptr) text.label(batch.labels[row]);
    if (batch.qids != nullptr) text.qid(batch.qids[row]);
    write_features(batch, row, text);
    // A line without anything would be no row.
    if (text.empty()) text.feature(0, 0.0f);
    out.resize(static_cast<std::size_t>(text.finish() - out.data()));
  }
}

}  // namespace smtrain::formats
