// Any bytes as libsvm text: probe, measure, cut in pieces and parse. Rows come out or a user Error, whatever the pieces.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "formats/table_width.h"
#include "formats/text/libsvm_parser.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

TableOptions options_of(std::uint8_t choice) {
  const char* types[] = {"libsvm", "libsvm;label_size=1", "libsvm;label_size=0", "libsvm;index_base=1", "libsvm;weights=0;qid=0",
                         "libsvm;feature_dim=9"};
  TableOptions options;
  options.type = parse_content_type(types[choice % 6]);
  options.allow_missing = (choice & 64) != 0;
  options.supervised = (choice & 128) != 0;
  options.max_record_bytes = 1 << 16;
  return options;
}

/// All rows of the file, fed `step` bytes at a time; nullopt when it is refused.
std::optional<SparseRows> read(const TableOptions& options, const std::string& bytes, std::size_t step) {
  NullLog log;
  LibsvmParser parser(options);
  const auto source = std::make_shared<const std::string>("fuzz.libsvm");
  SparseRows rows;
  try {
    TableSchema schema = parser.probe(std::span(bytes.data(), bytes.size()), *source, log);
    if (schema.feature_dim == 0) schema.feature_dim = measured_width(std::span(bytes.data(), bytes.size()), parser, *source, log);
    RawBlock at{{}, source, 0, 0, 1, 0};
    bool file_start = true;
    for (std::size_t start = 0, offered = 0; start < bytes.size();) {
      offered = std::min(bytes.size(), offered + step);
      const std::vector<char> copy(bytes.begin() + static_cast<long>(start), bytes.begin() + static_cast<long>(offered));
      RawBlock block = at;
      block.bytes = copy;
      const TableParser::Cut cut = parser.cut(block, file_start, offered == bytes.size());
      require(cut.skip <= cut.bytes && cut.bytes <= copy.size() && cut.records <= cut.bytes);
      require(cut.bytes != 0 || offered != bytes.size());
      if (cut.bytes == 0) continue;
      file_start = false;
      const std::vector<char> records(copy.begin() + static_cast<long>(cut.skip), copy.begin() + static_cast<long>(cut.bytes));
      block.bytes = records;
      block.records = cut.records;
      const std::size_t before = rows.indptr.size();
      parser.parse_sparse(block, rows, log);
      require(rows.indptr.size() == before + cut.records && rows.indptr.back() == rows.values.size());
      if (schema.feature_dim <= (1 << 12)) {  // dense storage is the caller's, and bounded there
        std::vector<float> values(cut.records * schema.feature_dim), labels(cut.records), weights(cut.records);
        std::vector<std::uint64_t> qids(cut.records);
        const DenseRun run{cut.records, values.data(), schema.feature_dim, labels.data(), weights.data(), qids.data()};
        if (cut.records != 0) parser.parse_dense(block, {&run, 1}, log);
      }
      at.first_record += cut.records;
      at.first_line += cut.lines;
      start += cut.bytes;
    }
    for (std::size_t i = 0; i + 1 < rows.indptr.size(); ++i) {
      for (std::uint64_t k = rows.indptr[i]; k < rows.indptr[i + 1]; ++k) {
        require(rows.indices[k] < schema.feature_dim && (k == rows.indptr[i] || rows.indices[k - 1] < rows.indices[k]));
      }
    }
  } catch (const Error& e) {
    require(e.fault() == Fault::user);
    return std::nullopt;
  }
  return rows;
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const TableOptions options = options_of(data[0]);
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = read(options, bytes, bytes.size() + 1), pieces = read(options, bytes, 1 + data[1] % 64);
  require(whole.has_value() == pieces.has_value());
  if (!whole) return 0;
  require(whole->indptr == pieces->indptr && whole->indices == pieces->indices && whole->qids == pieces->qids);
  require(same_bytes(whole->values, pieces->values) && same_bytes(whole->labels, pieces->labels) && same_bytes(whole->weights, pieces->weights));
  return 0;
}
