// JSON Lines and JSON documents: any bytes are a table or a user Error.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/error.h"
#include "formats/json/json_parser.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

template <class Parser>
void read_all(std::span<const char> bytes) {
  NullLog log;
  TableOptions options;
  Parser parser(options);
  try {
    const TableSchema schema = parser.probe(bytes, "fuzz", log);
    RawBlock block{bytes, std::make_shared<const std::string>("fuzz"), 0, 0, 1, 0};
    const TableParser::Cut cut = parser.cut(block, true, true);
    if (cut.bytes != bytes.size()) std::abort();
    block.bytes = bytes.subspan(cut.skip);
    block.records = cut.records;
    SparseRows rows;
    parser.parse_sparse(block, rows, log);
    if (rows.indptr.size() != cut.records + 1 || rows.indices.size() != rows.values.size()) std::abort();
    if (rows.labels.size() != cut.records * schema.label_width || rows.weights.size() != (schema.weights ? cut.records : 0)) std::abort();
    if (schema.feature_dim > (1 << 16)) return;  // dense storage is the caller's, and bounded there
    std::vector<float> values(cut.records * schema.feature_dim);
    std::vector<float> labels(cut.records * schema.label_width), weights(cut.records);
    std::vector<std::uint64_t> qids(cut.records);
    const DenseRun run{cut.records, values.data(), schema.feature_dim, labels.data(), weights.data(), qids.data()};
    parser.parse_dense(block, {&run, 1}, log);
  } catch (const Error& e) {
    if (e.fault() != Fault::user) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const char*>(data), size);
  read_all<JsonLinesParser>(bytes);
  read_all<JsonParser>(bytes);
  return 0;
}
