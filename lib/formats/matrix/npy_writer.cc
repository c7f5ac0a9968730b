#include "formats/matrix/npy_writer.h"

#include <cstring>

#include "base/error.h"
#include "formats/matrix/npy_header.h"

namespace smtrain::formats {

void NpyWriter::begin(const Batch& first, std::string& out) {
  if (first.weights != nullptr || first.qids != nullptr) {
    throw user_error("a NumPy array has no place for the {} of rows; write libsvm or JSON Lines, or leave them out where they are read: "
                     ";weights=0 or ;qid=0 in the content type of libsvm and JSON Lines", first.weights != nullptr ? "weights" : "query ids");
  }
  cols_ = first.cols + first.label_width;
  out += npy_header(0, cols_);
}

std::string NpyWriter::beginning() const { return npy_header(rows_, cols_); }

void NpyWriter::encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const {
  const std::size_t labels = batch.labels == nullptr ? 0 : batch.label_width, width = labels + batch.cols;
  const std::size_t before = out.size();
  out.resize(before + count * width * sizeof(float));
  char* to = out.data() + before;
  for (std::size_t row = first; row < first + count; ++row, to += width * sizeof(float)) {
    if (labels > 0) std::memcpy(to, batch.labels + row * labels, labels * sizeof(float));
    char* const features = to + labels * sizeof(float);
    if (!batch.sparse()) {
      std::memcpy(features, batch.dense + row * batch.ld, batch.cols * sizeof(float));
      continue;
    }
    // resize() has made the rest zero.
    for (std::uint64_t i = batch.indptr[row] - batch.indptr[0]; i < batch.indptr[row + 1] - batch.indptr[0]; ++i) {
      std::memcpy(features + batch.indices[i] * sizeof(float), &batch.values[i], sizeof(float));
    }
  }
}

}  // namespace smtrain::formats
