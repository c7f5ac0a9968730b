#include "formats/matrix/matrix_market_writer.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "formats/text/write_number.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kHeaderBytes = 160;
constexpr std::size_t kMaxEntry = 20 + 1 + 11 + 1 + kMaxNumber + 1;

// Of a constant length, by a comment that gives way to the digits of the size line.
std::string header(std::uint64_t rows, std::uint64_t cols, std::uint64_t entries) {
  const std::string size = fmt::format("{} {} {}\n", rows, cols, entries);
  std::string text = "%%MatrixMarket matrix coordinate real general\n%";
  text.append(kHeaderBytes - text.size() - 1 - size.size(), '-');
  return text + "\n" + size;
}

class EntryText {
 public:
  EntryText(std::string& out, std::uint64_t row) : out_(out), row_(row + 1) {}
  void entry(std::uint64_t col, float value) {
    if (value == 0) return;
    char text[kMaxEntry];
    char* to = std::to_chars(text, text + kMaxEntry, row_).ptr;
    *to++ = ' ';
    to = std::to_chars(to, text + kMaxEntry, col + 1).ptr;
    *to++ = ' ';
    to = write_number(to, value);
    *to++ = '\n';
    out_.append(text, to);
    ++entries_;
  }
  std::uint64_t entries() const { return entries_; }

 private:
  std::string& out_;
  std::uint64_t row_, entries_ = 0;
};

}  // namespace

void MatrixMarketWriter::begin(const Batch& first, std::string& out) {
  if (first.weights != nullptr || first.qids != nullptr) {
    throw user_error("a Matrix Market file has no place for the {} of rows; write libsvm or JSON Lines, or leave them out where they are "
                     "read: ;weights=0 or ;qid=0 in the content type of libsvm and JSON Lines", first.weights != nullptr ? "weights" : "query ids");
  }
  cols_ = first.cols + first.label_width;
  out += header(0, cols_, 0);
}

void MatrixMarketWriter::count(const Batch& batch) {
  batch_row_ = rows_;
  rows_ += batch.rows;
}

std::string MatrixMarketWriter::beginning() const { return header(rows_, cols_, entries_); }

void MatrixMarketWriter::encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const {
  const std::size_t labels = batch.labels == nullptr ? 0 : batch.label_width;
  std::uint64_t entries = 0;
  for (std::size_t row = first; row < first + count; ++row) {
    EntryText text(out, batch_row_ + row);
    for (std::size_t j = 0; j < labels; ++j) text.entry(j, batch.labels[row * labels + j]);
    if (batch.sparse()) {
      const std::uint64_t begin = batch.indptr[row] - batch.indptr[0], end = batch.indptr[row + 1] - batch.indptr[0];
      for (std::uint64_t k = begin; k < end; ++k) text.entry(labels + batch.indices[k], batch.values[k]);
    } else {
      for (std::size_t j = 0; j < batch.cols; ++j) text.entry(labels + j, batch.dense[row * batch.ld + j]);
    }
    entries += text.entries();
  }
  entries_ += entries;
}

}  // namespace smtrain::formats
