#include "formats/words/pairs.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_records.h"
#include "formats/json/json_row.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::object;

constexpr const char* kExample = R"({"label":1,"in0":[774,14],"in1":[21]})";
constexpr std::uint32_t kMostIds = 0x7FFFFFFF;

void read_side(object record, const char* name, std::vector<std::uint32_t>& ids) {
  const auto value = json_member(record, name);
  if (!value) throw user_error("{}: the field is not there, expected an object such as {}", name, kExample);
  read_json_ids(*value, name, kMostIds, ids);
  if (ids.empty()) throw user_error("{}: an empty list, expected at least one token id", name);
}

TokenPair pair_of(object record) {
  TokenPair pair;
  if (const auto label = json_member(record, "label")) {
    double number = 0;
    if (label->get(number) != simdjson::SUCCESS) throw user_error("label: found {}, expected a number", describe_json(*label));
    pair.label = number;
  }
  read_side(record, "in0", pair.in0);
  read_side(record, "in1", pair.in1);
  return pair;
}

}  // namespace

void append_pair(std::string& out, const TokenPair& pair) {
  out += '{';
  if (pair.label) {
    out += R"("label":)";
    const bool whole = *pair.label == std::floor(*pair.label) && std::abs(*pair.label) < 1e15;
    if (whole) out += std::to_string(static_cast<std::int64_t>(*pair.label));
    else append_number(out, *pair.label);
    out += ',';
  }
  out += R"("in0":)";
  append_json_ids(out, pair.in0);
  out += R"(,"in1":)";
  append_json_ids(out, pair.in1);
  out += "}\n";
}

class PairReader::Source {
 public:
  Source(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log)
      : cutter_(options.max_record_bytes), lines_(kExample),
        stream_(std::move(files), cutter_,
                [this, &log](const RawBlock& block, std::vector<TokenPair>& out) {
                  lines_.each(block, log, [&](object record, std::uint64_t) { out.push_back(pair_of(record)); });
                },
                options) {}
  RecordStream<TokenPair>& stream() { return stream_; }

 private:
  LineCutter cutter_;
  JsonLines lines_;
  RecordStream<TokenPair> stream_;
};

PairReader::PairReader(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log)
    : source_(std::make_unique<Source>(std::move(files), options, log)) {}
PairReader::~PairReader() = default;
bool PairReader::next(std::vector<TokenPair>& pairs) { return source_->stream().next(pairs); }
std::uint64_t PairReader::bytes_consumed() const { return source_->stream().team().bytes_consumed(); }

}  // namespace smtrain::formats
