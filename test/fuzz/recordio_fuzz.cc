// recordIO-protobuf files: any bytes are a table or a user Error; dense and sparse reading accept the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/error.h"
#include "formats/recordio/recordio_parser.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

// Rows of the whole file, or -1 when it is refused.
long read_all(std::span<const char> bytes, std::size_t chunk, bool as_sparse) {
  NullLog log;
  TableOptions options;
  options.max_record_bytes = 1 << 16;
  RecordIoParser parser(options);
  long rows = 0;
  try {
    const TableSchema schema = parser.probe(bytes, "fuzz", log);
    if (schema.feature_dim > (1 << 16)) as_sparse = true;  // dense storage is the caller's, and bounded there
    RawBlock block{{}, std::make_shared<const std::string>("fuzz"), 0, 0, 0, 0};
    for (std::size_t size = chunk; !bytes.empty();) {
      block.bytes = bytes.first(std::min(size, bytes.size()));
      const TableParser::Cut cut = parser.cut(block, block.offset == 0, block.bytes.size() == bytes.size());
      if (cut.bytes == 0) {
        size += chunk;
        continue;
      }
      RawBlock part = block;
      part.bytes = block.bytes.first(cut.bytes);
      part.records = cut.records;
      if (as_sparse) {
        SparseRows out;
        parser.parse_sparse(part, out, log);
        if (out.indptr.size() != cut.records + 1 || out.indices.size() != out.values.size()) std::abort();
      } else {
        std::vector<float> values(cut.records * schema.feature_dim), labels(cut.records * schema.label_width);
        const DenseRun run{cut.records, values.data(), schema.feature_dim, labels.empty() ? nullptr : labels.data(), nullptr};
        parser.parse_dense(part, {&run, 1}, log);
      }
      rows += static_cast<long>(cut.records);
      block.offset += cut.bytes;
      block.first_record += cut.records;
      bytes = bytes.subspan(cut.bytes);
      size = chunk;
    }
  } catch (const Error& e) {
    if (e.fault() != Fault::user) std::abort();
    return -1;
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const char*>(data), size);
  const long whole = read_all(bytes, size + 1, false);
  if (read_all(bytes, size + 1, true) != whole) std::abort();
  if (read_all(bytes, 61, false) != whole) std::abort();
  return 0;
}
