// Records that are lines, copied as they stand.
#include "base/error.h"
#include "formats/parting/line_keys.h"
#include "formats/record_stream.h"
#include "formats/text/column_list.h"
#include "formats/text/csv_records.h"
#include "formats/text/lines.h"
#include "run/convert/record_supply.h"
#include "run/input_size.h"

namespace smtrain::run {
namespace {

using formats::PackedRecords;
using formats::RawBlock;
using formats::RecordKeys;

formats::BlockTeamOptions team_options(const ConvertRequest& request) {
  formats::BlockTeamOptions options;
  options.threads = request.common.threads.value;
  return options;
}

// The last line of a file may have no end.
void append_line(std::string_view text, const RecordKeys& keys, PackedRecords& records) {
  records.bytes() += text;
  if (!text.ends_with('\n')) records.bytes() += '\n';
  records.end_record(keys);
}

// Replaces `records` by what parse() makes of the next blocks, in order; false at the end.
template <class Team, class Parse>
bool next_round(Team& team, std::vector<PackedRecords>& parts, PackedRecords& records, Parse&& parse) {
  records.clear();
  const std::size_t blocks = team.round([&](const RawBlock& block, std::size_t place) { parse(block, parts[place]); });
  for (std::size_t i = 0; i < blocks; ++i) {
    records.append(parts[i]);
    parts[i].clear();
  }
  return blocks != 0;
}

class LineSupply final : public RecordSupply {
 public:
  LineSupply(const ConvertRequest& request, const formats::ContentType& type, std::vector<formats::InputFile> files, LineChange change)
      : change_(std::move(change)), size_(total_size(files)), format_(type.format), cutter_(team_options(request).max_record_bytes),
        team_(std::move(files), cutter_, team_options(request)), parts_(team_.blocks_per_round()) {
    if (request.prepare.stratify) stratum_.emplace(type.format, "--stratify", *request.prepare.stratify);
    if (request.prepare.group) group_.emplace(type.format, "--group", *request.prepare.group);
  }

  bool next(PackedRecords& records) override {
    return next_round(team_, parts_, records, [this](const RawBlock& block, PackedRecords& out) { parse(block, out); });
  }
  std::unique_ptr<RecordSink> make_sink(const std::string& path, std::size_t) const override { return make_verbatim_sink(path, ""); }
  std::uint64_t bytes_read() const override { return team_.bytes_consumed(); }
  std::uint64_t bytes_to_read() const override { return size_; }
  std::string words() const override { return fmt::format("{}, as they stand", formats::words_for(format_)); }

 private:
  void parse(const RawBlock& block, PackedRecords& records) const {
    formats::Lines lines({block.bytes.data(), block.bytes.size()}, block.first_line);
    while (lines.next()) {
      RecordKeys keys;
      if (stratum_) keys.stratum = stratum_->of(lines.line(), *block.source, lines.number());
      if (group_) keys.group = group_->of(lines.line(), *block.source, lines.number());
      if (change_) append_line(change_(lines.line(), formats::line_place(*block.source, lines.number())), keys, records);
      else append_line(lines.line(), keys, records);
    }
  }

  LineChange change_;
  std::uint64_t size_;
  formats::Format format_;
  formats::LineCutter cutter_;
  formats::BlockTeam team_;
  std::vector<PackedRecords> parts_;
  std::optional<formats::LineKey> stratum_, group_;
};

class CsvLineSupply final : public RecordSupply {
 public:
  CsvLineSupply(const ConvertRequest& request, const formats::ContentType& type, std::vector<formats::InputFile> files,
                Console& console)
      : size_(total_size(files)),
        records_(std::move(files), type, team_options(request), console),
        parts_(records_.blocks_per_round()) {
    const auto column = [&](const std::optional<std::string>& name, const char* flag) -> std::optional<std::size_t> {
      if (!name) return std::nullopt;
      if (*name == "label" && records_.names().empty()) return 0;
      return formats::parse_column(*name, records_.names(), records_.columns(), flag);
    };
    stratum_ = column(request.prepare.stratify, "--stratify");
    group_ = column(request.prepare.group, "--group");
  }

  bool next(PackedRecords& records) override {
    return next_round(records_, parts_, records, [this](const RawBlock& block, PackedRecords& out) { parse(block, out); });
  }
  std::unique_ptr<RecordSink> make_sink(const std::string& path, std::size_t) const override {
    return make_verbatim_sink(path, records_.header_line());
  }
  std::uint64_t bytes_read() const override { return records_.team().bytes_consumed(); }
  std::uint64_t bytes_to_read() const override { return size_; }
  std::string words() const override { return fmt::format("{} columns, as they stand", records_.columns()); }

 private:
  void parse(const RawBlock& block, PackedRecords& packed) const {
    records_.each(block, [&](const formats::CsvRecord& record) {
      RecordKeys keys;
      if (stratum_) keys.stratum = formats::key_of(record.fields[*stratum_]);
      if (group_) keys.group = formats::key_of(record.fields[*group_]);
      append_line(record.text, keys, packed);
    });
  }

  std::uint64_t size_;
  formats::CsvRecords records_;
  std::vector<PackedRecords> parts_;
  std::optional<std::size_t> stratum_, group_;
};

}  // namespace

std::unique_ptr<RecordSupply> open_csv_lines(const ConvertRequest& request, const formats::ContentType& type,
                                             std::vector<formats::InputFile> files, Console& console) {
  return std::make_unique<CsvLineSupply>(request, type, std::move(files), console);
}

std::unique_ptr<RecordSupply> open_lines(const ConvertRequest& request, const formats::ContentType& type,
                                         std::vector<formats::InputFile> files, LineChange change) {
  return std::make_unique<LineSupply>(request, type, std::move(files), std::move(change));
}

}  // namespace smtrain::run
