#include "formats/recordio/recordio_writer.h"

#include <span>

#include "base/error.h"
#include "formats/recordio/framing.h"
#include "formats/recordio/record.h"

namespace smtrain::formats {
namespace {

using recordio::append_frame;
using recordio::append_record;
using recordio::SparseValues;

std::span<const float> label_of(const Batch& batch, std::size_t row) {
  if (batch.labels == nullptr) return {};
  return {batch.labels + row * batch.label_width, batch.label_width};
}

void append_row(std::string& out, const Batch& batch, std::size_t row) {
  if (!batch.sparse()) {
    append_record(out, {batch.dense + row * batch.ld, batch.cols}, nullptr, label_of(batch, row));
    return;
  }
  const std::uint64_t begin = batch.indptr[row] - batch.indptr[0], size = batch.indptr[row + 1] - batch.indptr[row];
  const SparseValues sparse{{batch.indices + begin, size}, batch.cols};
  append_record(out, {batch.values + begin, size}, &sparse, label_of(batch, row));
}

// Dense rows of one width differ in their numbers only: one framed row serves as the form for all.
class DenseForm {
 public:
  DenseForm(const Batch& batch, std::size_t row) : features_(batch.cols * sizeof(float)) {
    std::string payload;
    append_record(payload, {batch.dense + row * batch.ld, batch.cols}, nullptr, {});
    // A dense Record ends with its last number, with a label and without.
    features_begin_ = kHead + payload.size() - features_;
    payload.clear();
    append_row(payload, batch, row);
    label_begin_ = kHead + payload.size() - label_of(batch, row).size_bytes();
    append_frame(form_, payload, false);
  }

  void append(std::string& out, const Batch& batch, std::size_t row) const {
    const std::size_t middle = features_begin_ + features_;
    out.append(form_, 0, features_begin_);
    out.append(reinterpret_cast<const char*>(batch.dense + row * batch.ld), features_);
    out.append(form_, middle, label_begin_ - middle);
    const std::span<const float> label = label_of(batch, row);
    out.append(reinterpret_cast<const char*>(label.data()), label.size_bytes());
    out.append(form_, label_begin_ + label.size_bytes());
  }
  std::size_t size() const { return form_.size(); }

 private:
  static constexpr std::size_t kHead = 8;
  std::size_t features_;
  std::string form_;
  std::size_t features_begin_ = 0, label_begin_ = 0;
};

}  // namespace

void RecordIoWriter::begin(const Batch& first, std::string&) {
  if (first.weights != nullptr) {
    throw user_error("recordIO-protobuf has no field for row weights; write libsvm, JSON Lines or CSV (text/csv;weights=1), or leave them out "
                     "where they are read: ;weights=0 in the content type of libsvm and JSON Lines");
  }
  if (first.qids != nullptr) {
    throw user_error("recordIO-protobuf has no field for query ids (qid); write libsvm or JSON Lines, or leave them out where they are read: ;qid=0 "
                     "in the content type of the input");
  }
}

void RecordIoWriter::encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const {
  if (count == 0) return;
  if (!batch.sparse() && batch.cols > 0 && !split_) {
    const DenseForm form(batch, first);
    out.reserve(out.size() + count * form.size());
    for (std::size_t i = first; i < first + count; ++i) form.append(out, batch, i);
    return;
  }
  std::string payload;
  for (std::size_t i = first; i < first + count; ++i) {
    payload.clear();
    append_row(payload, batch, i);
    append_frame(out, payload, split_);
  }
}

void RecordIoWriter::end(std::string&) {}

}  // namespace smtrain::formats
