#include "formats/json/json_writer.h"

#include "base/error.h"
#include "formats/json/json_numbers.h"

namespace smtrain::formats {
namespace {

void append_sparse(std::string& out, const Batch& batch, std::size_t row) {
  const std::uint64_t begin = batch.indptr[row] - batch.indptr[0], end = batch.indptr[row + 1] - batch.indptr[0];
  out += R"("data":{"features":{"keys":[)";
  for (std::uint64_t i = begin; i < end; ++i) {
    fmt::format_to(std::back_inserter(out), "{}{}", i == begin ? "" : ",", batch.indices[i]);
  }
  fmt::format_to(std::back_inserter(out), R"(],"shape":[{}],"values":)", batch.cols);
  append_json_list(out, {batch.values + begin, end - begin});
  out += "}}";
}

void append_label(std::string& out, std::span<const float> label) {
  out += R"(,"label":)";
  if (label.size() == 1) {
    append_json_number(out, label.front());
  } else {
    append_json_list(out, label);
  }
}

}  // namespace

void JsonLinesWriter::encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const {
  for (std::size_t row = first; row < first + count; ++row) {
    out += '{';
    if (batch.sparse()) {
      append_sparse(out, batch, row);
    } else {
      out += R"("features":)";
      append_json_list(out, {batch.dense + row * batch.ld, batch.cols});
    }
    if (batch.labels != nullptr) append_label(out, {batch.labels + row * batch.label_width, batch.label_width});
    if (batch.weights != nullptr) {
      out += R"(,"weight":)";
      append_json_number(out, batch.weights[row]);
    }
    if (batch.qids != nullptr) fmt::format_to(std::back_inserter(out), R"(,"qid":{})", batch.qids[row]);
    out += "}\n";
  }
}

}  // namespace smtrain::formats
