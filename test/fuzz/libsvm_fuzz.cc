// Any bytes as libsvm text: probe, measure, cut in pieces and parse. Rows come out or a user Error, whatever the pieces.
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/table_width.h"
#include "formats/text/libsvm_parser.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using fuzz::require;

namespace {

TableOptions options_of(std::uint8_t choice) {
  const char* types[] = {"libsvm", "libsvm;label_size=1", "libsvm;label_size=0", "libsvm;index_base=1", "libsvm;weights=0;qid=0",
                         "libsvm;feature_dim=9"};
  TableOptions options;
  options.type = parse_content_type(types[choice % 6]);
  options.missing = static_cast<Missing>(choice / 64 % 3);
  options.supervised = (choice & 128) != 0;
  options.max_record_bytes = 1 << 16;
  return options;
}

void parse(LibsvmParser& parser, const TableSchema& schema, const RawBlock& block, SparseRows& rows, Log& log) {
  const std::size_t before = rows.indptr.size();
  parser.parse_sparse(block, rows, log);
  require(rows.indptr.size() == before + block.records && rows.indptr.back() == rows.values.size());
  if (block.records == 0 || schema.feature_dim > (1 << 12)) return;  // dense storage is the caller's, and bounded there
  std::vector<float> values(block.records * schema.feature_dim), labels(block.records), weights(block.records);
  std::vector<std::uint64_t> qids(block.records);
  const DenseRun run{block.records, values.data(), schema.feature_dim, labels.data(), weights.data(), qids.data()};
  parser.parse_dense(block, {&run, 1}, log);
}

void check_indices(const SparseRows& rows, std::size_t width) {
  for (std::size_t i = 0; i + 1 < rows.indptr.size(); ++i) {
    for (std::uint64_t k = rows.indptr[i]; k < rows.indptr[i + 1]; ++k) {
      require(rows.indices[k] < width && (k == rows.indptr[i] || rows.indices[k - 1] < rows.indices[k]));
    }
  }
}

/// All rows of the file, fed `step` bytes at a time; nullopt when it is refused.
std::optional<SparseRows> read(const TableOptions& options, const std::string& bytes, std::size_t step) {
  NullLog log;
  LibsvmParser parser(options);
  SparseRows rows;
  const bool fine = fuzz::accepts([&] {
    const std::span head(bytes.data(), bytes.size());
    TableSchema schema = parser.probe(head, "fuzz.libsvm", log);
    if (schema.feature_dim == 0) schema.feature_dim = measured_width(head, parser, "fuzz.libsvm", log);
    fuzz::cut_in_pieces(parser, bytes, step, [&](const RawBlock& block) {
      require(block.records <= block.bytes.size());
      parse(parser, schema, block, rows, log);
      return true;
    });
    check_indices(rows, schema.feature_dim);
  });
  return fine ? std::optional(rows) : std::nullopt;
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const TableOptions options = options_of(data[0]);
  const std::string bytes(fuzz::text_of(data + 2, size - 2));
  const auto whole = read(options, bytes, bytes.size() + 1), pieces = read(options, bytes, 1 + data[1] % 64);
  require(whole.has_value() == pieces.has_value());
  if (!whole) return 0;
  require(whole->indptr == pieces->indptr && whole->indices == pieces->indices && whole->qids == pieces->qids);
  require(same_bytes(whole->values, pieces->values) && same_bytes(whole->labels, pieces->labels) && same_bytes(whole->weights, pieces->weights));
  return 0;
}
