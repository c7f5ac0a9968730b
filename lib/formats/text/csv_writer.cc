#include "formats/text/csv_writer.h"

#include <algorithm>

#include "base/error.h"
#include "formats/text/write_number.h"

namespace smtrain::formats {
namespace {

/// Numbers of one row, each with a delimiter behind it.
class RowText {
 public:
  RowText(char* to, char delimiter) : to_(to), delimiter_(delimiter) {}
  void number(float value) {
    to_ = write_number(to_, value);
    *to_++ = delimiter_;
  }
  void numbers(const float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) number(values[i]);
  }
  void zeros(std::size_t count) {
    for (; count != 0; --count) {
      *to_++ = '0';
      *to_++ = delimiter_;
    }
  }
  /// The last delimiter becomes the line end.
  char* finish() {
    to_[-1] = '\n';
    return to_;
  }

 private:
  char* to_;
  char delimiter_;
};

void write_sparse(const Batch& batch, std::size_t row, RowText& text) {
  std::size_t column = 0;
  for (std::uint64_t i = batch.indptr[row] - batch.indptr[0]; i < batch.indptr[row + 1] - batch.indptr[0]; ++i) {
    text.zeros(batch.indices[i] - column);
    text.number(batch.values[i]);
    column = batch.indices[i] + std::size_t{1};
  }
  text.zeros(batch.cols - column);
}

}  // namespace

CsvWriter::CsvWriter(const TableWriterOptions& options)
    : options_(options), dialect_(csv_dialect(options.type)), header_(options.type.boolean("header").value_or(false)),
      weights_(options.type.boolean("weights").value_or(false)) {}

void CsvWriter::append_name(const std::string& name, std::string& out) const {
  const bool plain = !name.empty() && name.find_first_of(std::string{dialect_.delimiter, dialect_.quote, '\n', '\r'}) == std::string::npos &&
                     !dialect_.blank(name.front()) && !dialect_.blank(name.back());
  if (plain || dialect_.quote == 0) {
    out += name;
    return;
  }
  out += dialect_.quote;
  for (const char c : name) {
    if (c == dialect_.quote) out += c;
    out += c;
  }
  out += dialect_.quote;
}

void CsvWriter::begin(const Batch& first, std::string& out) {
  if (first.weights != nullptr && !weights_) {
    throw user_error("the rows have weights; write them as CSV with --to \"text/csv;weights=1\" (behind the label), as libsvm or JSON Lines, "
                     "or leave them out where they are read: ;weights=0 in the content type of libsvm and JSON Lines");
  }
  if (first.qids != nullptr) {
    throw user_error("CSV has no place for query ids (qid); write libsvm or JSON Lines, or leave them out where they are read: ;qid=0 in the content "
                     "type of the input");
  }
  if (!header_) return;
  const std::vector<std::string>& names = options_.column_names;
  for (std::size_t i = 0; i < first.label_width; ++i) {
    append_name(first.label_width == 1 ? std::string("label") : fmt::format("label_{}", i), out);
    out += dialect_.delimiter;
  }
  if (weights_) {
    append_name("weight", out);
    out += dialect_.delimiter;
  }
  for (std::size_t i = 0; i < first.cols; ++i) {
    append_name(names.size() == first.cols ? names[i] : fmt::format("f{}", i), out);
    out += i + 1 == first.cols ? '\n' : dialect_.delimiter;
  }
}

void CsvWriter::encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const {
  const std::size_t most = (batch.cols + batch.label_width + 1) * kMaxNumber;
  for (std::size_t row = first; row < first + count; ++row) {
    const std::size_t before = out.size();
    if (out.capacity() - before < most) out.reserve(std::max(2 * out.capacity(), before + most));
    out.resize(before + most);
    RowText text(out.data() + before, dialect_.delimiter);
    if (batch.labels != nullptr) text.numbers(batch.labels + row * batch.label_width, batch.label_width);
    if (weights_) text.number(batch.weights == nullptr ? 1.0f : batch.weights[row]);
    if (batch.sparse())
      write_sparse(batch, row, text);
    else
      text.numbers(batch.dense + row * batch.ld, batch.cols);
    out.resize(static_cast<std::size_t>(text.finish() - out.data()));
  }
}

void CsvWriter::end(std::string&) {}

}  // namespace smtrain::formats
