// Any bytes as CSV: probe, cut in pieces and parse. Rows come out or a user Error, whatever the pieces.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "formats/text/csv_parser.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

TableOptions options_of(std::uint8_t choice) {
  const char* types[] = {"text/csv;label_size=0", "text/csv;label_size=1", "text/csv;label_size=0;header=true", "tsv;label_size=0",
                         "text/csv;label=-1", "text/csv;header=true;label=y", "text/csv;label_size=0;delimiter=space", "text/csv"};
  TableOptions options;
  options.type = parse_content_type(types[choice % 8]);
  options.allow_missing = (choice & 8) != 0;
  options.max_record_bytes = 1 << 16;
  return options;
}

/// All values of the file, fed `step` bytes at a time; nullopt when it is refused.
std::optional<std::vector<float>> read(const TableOptions& options, const std::string& bytes, std::size_t step) {
  NullLog log;
  CsvParser parser(options);
  const auto source = std::make_shared<const std::string>("fuzz.csv");
  std::vector<float> values;
  try {
    const TableSchema schema = parser.probe(std::span(bytes.data(), bytes.size()), *source, log);
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
      std::vector<float> features(cut.records * schema.feature_dim), labels(cut.records * schema.label_width);
      const DenseRun run{cut.records, features.data(), schema.feature_dim, labels.data(), nullptr};
      if (cut.records != 0) parser.parse_dense(block, std::span(&run, 1), log);
      values.insert(values.end(), features.begin(), features.end());
      at.first_record += cut.records;
      at.first_line += cut.lines;
      start += cut.bytes;
    }
  } catch (const Error& e) {
    require(e.fault() == Fault::user);
    return std::nullopt;
  }
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const TableOptions options = options_of(data[0]);
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = read(options, bytes, bytes.size() + 1);
  const auto pieces = read(options, bytes, 1 + data[1] % 64);
  require(whole.has_value() == pieces.has_value());
  if (whole) require(whole->size() == pieces->size() && (whole->empty() || std::memcmp(whole->data(), pieces->data(), whole->size() * sizeof(float)) == 0));
  return 0;
}
