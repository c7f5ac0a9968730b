// recordIO-protobuf files: any bytes are a table or a user Error; dense and sparse reading accept the same.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "formats/recordio/recordio_parser.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using fuzz::require;

namespace {

void parse(RecordIoParser& parser, const TableSchema& schema, const RawBlock& block, bool as_sparse, Log& log) {
  // Dense storage is the caller's, and bounded there.
  if (as_sparse || schema.feature_dim > (1 << 16)) {
    SparseRows out;
    parser.parse_sparse(block, out, log);
    require(out.indptr.size() == block.records + 1 && out.indices.size() == out.values.size());
    return;
  }
  std::vector<float> values(block.records * schema.feature_dim), labels(block.records * schema.label_width);
  const DenseRun run{block.records, values.data(), schema.feature_dim, labels.empty() ? nullptr : labels.data(), nullptr};
  parser.parse_dense(block, {&run, 1}, log);
}

// Rows of the whole file, fed `step` bytes at a time, or -1 when it is refused.
long read_all(std::string_view bytes, std::size_t step, bool as_sparse) {
  NullLog log;
  TableOptions options;
  options.max_record_bytes = 1 << 16;
  RecordIoParser parser(options);
  long rows = 0;
  const bool fine = fuzz::accepts([&] {
    const TableSchema schema = parser.probe(bytes, "fuzz", log);
    fuzz::cut_in_pieces(parser, bytes, step, [&](const RawBlock& block) {
      parse(parser, schema, block, as_sparse, log);
      rows += static_cast<long>(block.records);
      return true;
    });
  });
  return fine ? rows : -1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  const long whole = read_all(bytes, size + 1, false);
  require(read_all(bytes, size + 1, true) == whole);
  require(read_all(bytes, 61, false) == whole);
  return 0;
}
