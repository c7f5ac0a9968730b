// Any bytes as a Parquet file: all columns, and as a table. Rows come out or a user Error, the same whatever the size of the
// parts.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "formats/io/byte_stream.h"
#include "formats/parquet/columns.h"
#include "formats/parquet/parquet_parser.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::parquet;
using fuzz::require;

namespace {

constexpr std::size_t kMostRows = 100000, kMostBytes = std::size_t{8} << 20;  // runs claim as many as they like

// Bytes in memory that can be read at any place, as a file can.
class Memory final : public ByteStream {
 public:
  Memory(const std::string& bytes, bool seekable) : bytes_(bytes), seekable_(seekable) {}
  std::size_t read(std::span<char> into) override {
    const std::size_t n = std::min(into.size(), bytes_.size() - std::min(bytes_.size(), at_));
    if (n > 0) std::memcpy(into.data(), bytes_.data() + at_, n);
    at_ += n;
    return n;
  }
  std::uint64_t consumed() const override { return at_; }
  std::string compression() const override { return ""; }
  bool slow() const override { return false; }
  bool can_seek() const override { return seekable_; }
  void seek(std::uint64_t offset) override { at_ = static_cast<std::size_t>(offset); }

 private:
  const std::string& bytes_;
  bool seekable_;
  std::size_t at_ = 0;
};

// All bytes of the stream of parts, up to a limit; nullopt when there are more.
std::optional<std::string> rearranged(RecordCutter& cutter, const std::string& bytes, bool seekable) {
  InputFile file{"fuzz", "fuzz", true, std::nullopt};
  if (seekable) file.size = bytes.size();
  const auto stream = cutter.open(file, std::make_unique<Memory>(bytes, seekable), "");
  std::string all;
  for (char some[4096];;) {
    const std::size_t got = stream->read(some);
    all.append(some, got);
    if (got < sizeof some) return all;
    if (all.size() > kMostBytes) return std::nullopt;
  }
}

std::optional<RawBlock> block_of(RecordCutter& cutter, const std::string& parts) {
  RawBlock block{parts, std::make_shared<const std::string>("fuzz"), 0, 0, 0, 0};
  const RecordCutter::Cut cut = cutter.cut(block, true, true);
  require(cut.bytes == parts.size() && cut.skip == 0);
  block.records = cut.records;
  if (cut.records > kMostRows) return std::nullopt;
  return block;
}

struct Outcome {
  bool skipped = false, refused = false;
  std::vector<Column> columns;  // those of all parts, one behind the other
};

Outcome read_columns_of(const std::string& bytes, std::size_t part_bytes, bool seekable) {
  Outcome out;
  PartCutter cutter([](const FileSummary& file, const std::string&) {
    std::vector<std::size_t> all(file.schema.leaves.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  }, part_bytes);
  try {
    const auto parts = rearranged(cutter, bytes, seekable);
    const auto block = parts ? block_of(cutter, *parts) : std::nullopt;
    out.skipped = !block;
    if (!block) return out;
    for (const Part& part : parts_of(*block)) {
      for (Column& column : read_columns(part, "fuzz")) {
        require(column.lists.empty() ? column.values() == part.rows : column.lists[0].count() == part.rows);
        for (std::size_t level = 0; level < column.lists.size(); ++level) {
          const Lists& lists = column.lists[level];
          require(lists.offsets.size() == lists.count() + 1);
          require(lists.offsets.back() == (level + 1 < column.lists.size() ? column.lists[level + 1].count() : column.values()));
        }
        out.columns.push_back(std::move(column));
      }
    }
  } catch (const Error& e) {
    require(e.fault() == Fault::user);
    out.refused = true;
  }
  return out;
}

void read_table(const std::string& bytes, std::uint8_t choice) {
  const char* types[] = {"parquet", "parquet;label_size=1", "parquet;label=-1", "parquet;weights=1"};
  TableOptions options;
  options.type = parse_content_type(types[choice % 4]);
  options.supervised = (choice & 4) != 0;
  options.missing = static_cast<Missing>(choice / 8 % 3);
  NullLog log;
  ParquetParser parser(options);
  try {
    const auto parts = rearranged(parser, bytes, (choice & 16) != 0);
    if (!parts || parts->empty()) return;
    auto block = block_of(parser, *parts);
    if (!block) return;
    const TableSchema schema = parser.probe(*parts, "fuzz", log);
    if (block->records * schema.feature_dim > std::size_t{1} << 24) return;
    if ((choice & 32) != 0 && block->records > 2) block->wanted = {{0, 1}, {block->records / 2, 1}};
    const std::size_t rows = block->wanted.empty() ? block->records : 2;
    if (schema.sparse) {
      SparseRows sparse;
      parser.parse_sparse(*block, sparse, log);
      require(sparse.indptr.size() == rows + 1 && sparse.indptr.back() == sparse.values.size() &&
              sparse.labels.size() == rows * schema.label_width);
      for (const std::uint32_t index : sparse.indices) require(index < schema.feature_dim);
      return;
    }
    std::vector<float> values(rows * schema.feature_dim), labels(rows * schema.label_width), weights(rows);
    DenseRun run;
    run.rows = rows;
    run.values = values.data();
    run.ld = schema.feature_dim;
    run.labels = labels.data();
    run.weights = weights.data();
    parser.parse_dense(*block, {&run, 1}, log);
  } catch (const Error& e) {
    require(e.fault() == Fault::user);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool seekable = (data[0] & 16) != 0;
  const Outcome whole = read_columns_of(bytes, std::size_t{1} << 30, seekable);
  const Outcome parts = read_columns_of(bytes, 1 + data[1], seekable);
  // A file that is read whole is read in parts too: what planning looks at, reading does.
  if (!whole.skipped && !parts.skipped && !whole.refused && !parts.refused && !whole.columns.empty()) {
    std::size_t rows = 0, rows_of_parts = 0;
    const std::string& name = whole.columns[0].name;
    for (const Column& c : whole.columns) rows += c.name == name ? c.valid.size() : 0;
    for (const Column& c : parts.columns) rows_of_parts += c.name == name ? c.valid.size() : 0;
    require(rows == rows_of_parts);
  }
  read_table(bytes, data[0]);
  return 0;
}
