// Any bytes as CSV: probe, cut in pieces and parse. Rows come out or a user Error, whatever the pieces.
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/text/csv_parser.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using fuzz::require;

namespace {

TableOptions options_of(std::uint8_t choice) {
  const char* types[] = {"text/csv;label_size=0", "text/csv;label_size=1", "text/csv;label_size=0;header=true", "tsv;label_size=0",
                         "text/csv;label=-1", "text/csv;header=true;label=y", "text/csv;label_size=0;delimiter=space", "text/csv"};
  TableOptions options;
  options.type = parse_content_type(types[choice % 8]);
  options.missing = static_cast<Missing>(choice / 8 % 3);
  options.guess_delimiter = (choice & 128) != 0;
  options.max_record_bytes = 1 << 16;
  return options;
}

/// All values of the file, fed `step` bytes at a time; nullopt when it is refused.
std::optional<std::vector<float>> read(const TableOptions& options, const std::string& bytes, std::size_t step) {
  NullLog log;
  CsvParser parser(options);
  std::vector<float> values;
  const bool fine = fuzz::accepts([&] {
    const TableSchema schema = parser.probe(std::span(bytes.data(), bytes.size()), "fuzz.csv", log);
    fuzz::cut_in_pieces(parser, bytes, step, [&](const RawBlock& block) {
      require(block.records <= block.bytes.size());
      std::vector<float> features(block.records * schema.feature_dim), labels(block.records * schema.label_width);
      const DenseRun run{block.records, features.data(), schema.feature_dim, labels.data(), nullptr};
      if (block.records != 0) parser.parse_dense(block, std::span(&run, 1), log);
      values.insert(values.end(), features.begin(), features.end());
      return true;
    });
  });
  return fine ? std::optional(values) : std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const TableOptions options = options_of(data[0]);
  const std::string bytes(fuzz::text_of(data + 2, size - 2));
  const auto whole = read(options, bytes, bytes.size() + 1);
  const auto pieces = read(options, bytes, 1 + data[1] % 64);
  require(whole.has_value() == pieces.has_value());
  if (whole) require(whole->size() == pieces->size() && (whole->empty() || std::memcmp(whole->data(), pieces->data(), whole->size() * sizeof(float)) == 0));
  return 0;
}
