#include "formats/text/csv_records.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/csv_stream.h"
#include "formats/text/csv_parser.h"
#include "formats/text/field_number.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{64} << 10;

std::string_view line_at(std::string_view text, CsvDialect dialect) {
  const CsvLineEnd found = find_line_end(text.data(), text.data() + text.size(), dialect);
  return found.at == nullptr ? text : text.substr(0, static_cast<std::size_t>(found.at - text.data()));
}

bool any_number(const std::vector<std::string>& fields) {
  return std::any_of(fields.begin(), fields.end(), [](const std::string& field) { return field_number(field).has_value(); });
}

}  // namespace

/// Cuts as CsvParser does, once the first bytes have told what to expect.
class CsvRecords::Cutter final : public RecordCutter {
 public:
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override { return parser->cut(block, file_start, at_end); }
  std::unique_ptr<ByteStream> open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) override {
    return of_parquet ? parquet::make_csv_stream(file, std::move(bytes), head) : std::move(bytes);
  }
  std::unique_ptr<CsvParser> parser;
  bool of_parquet = false;
};

CsvRecords::CsvRecords(std::vector<InputFile> files, const ContentType& type, const BlockTeamOptions& options, Log& log)
    : type_(type), max_record_bytes_(options.max_record_bytes), cutter_(std::make_unique<Cutter>()) {
  if (type.format != Format::csv && type.format != Format::parquet) throw internal_error("CsvRecords of {}", type.to_string());
  if (type.format == Format::parquet) {
    cutter_->of_parquet = true;
    type_ = {Format::csv, {{"header", "true"}, {"delimiter", "comma"}}};
  }
  for (const char* name : {"label", "label_size", "weights"}) type_.parameters.erase(name);
  type_.parameters["label_size"] = "0";
  team_ = std::make_unique<BlockTeam>(std::move(files), *cutter_, options);
  open(log);
  type_.parameters.erase("label_size");
  if (cutter_->of_parquet) type_ = type;
}

CsvRecords::~CsvRecords() = default;

void CsvRecords::open(Log& log) {
  std::string source;
  std::span<const char> head = team_->head(kHeadBytes, source);
  if (head.empty()) throw user_error("{}: holds no records: the file is empty", team_->files().front().name);
  find_delimiter(without_bom({head.data(), head.size()}), source, log);
  dialect_ = csv_dialect(type_);
  // Two whole lines tell whether the first is a header.
  for (std::size_t wanted = kHeadBytes; head.size() == wanted && wanted < max_record_bytes_; head = team_->head(wanted, source)) {
    const std::string_view text = without_bom({head.data(), head.size()});
    const std::size_t first = line_at(text, dialect_).size();
    if (first < text.size() && first + 1 + line_at(text.substr(first + 1), dialect_).size() < text.size()) break;
    wanted *= 2;
  }
  const std::string_view text = without_bom({head.data(), head.size()});
  find_header(text, source, log);
  TableOptions table;
  table.type = type_;
  table.max_record_bytes = max_record_bytes_;
  cutter_->parser = std::make_unique<CsvParser>(table);
  const TableSchema schema = cutter_->parser->probe(head, source, log);
  columns_ = schema.feature_dim;
  names_ = schema.column_names;
  if (names_.empty()) return;
  header_line_ = line_at(text, dialect_);
  header_line_ += '\n';
}

void CsvRecords::find_delimiter(std::string_view head, const std::string& source, Log& log) {
  if (type_.parameters.contains("delimiter")) return;
  const std::string_view line = line_at(head, csv_dialect(type_));
  const auto fields = [&](char delimiter) {
    CsvDialect dialect = csv_dialect(type_);
    dialect.delimiter = delimiter;
    return count_fields(line.data(), line.data() + line.size(), dialect);
  };
  if (fields(',') > 1) return;
  constexpr std::pair<char, const char*> kOthers[] = {{';', "semicolon"}, {'\t', "tab"}, {'|', "pipe"}};
  const auto best = std::max_element(std::begin(kOthers), std::end(kOthers),
                                     [&](const auto& a, const auto& b) { return fields(a.first) < fields(b.first); });
  if (fields(best->first) == 1) return;
  type_.parameters["delimiter"] = best->second;
  log.info("{}: the fields are separated by {}s, as the first line has them", source, best->second);
}

void CsvRecords::find_header(std::string_view head, const std::string& source, Log& log) {
  if (type_.parameters.contains("header")) return;
  const std::string_view first = line_at(head, dialect_);
  if (first.size() == head.size()) return;
  const std::string_view second = line_at(head.substr(first.size() + 1), dialect_);
  const auto names = field_texts(first.data(), first.data() + first.size(), dialect_);
  const auto values = field_texts(second.data(), second.data() + second.size(), dialect_);
  const std::set<std::string> distinct(names.begin(), names.end());
  if (any_number(names) || names.size() != values.size() || distinct.size() != names.size() || distinct.contains("")) return;
  if (!any_number(values)) {
    log.warning("{}: the first two lines hold text alone, so that nothing tells whether the first, {}, names the columns; it is taken as a "
                "record. Say --content-type \"text/csv;header=true\" if it is a header, or header=false", source, smtrain::quoted(first));
    return;
  }
  type_.parameters["header"] = "true";
  log.info("{}: the first line is taken as a header: {}; say --content-type \"text/csv;header=false\" when it is a record",
           source, smtrain::quoted(first));
}

std::string CsvRecords::column_name(std::size_t column) const {
  return names_.empty() ? fmt::format("column {}", column) : names_[column];
}

std::size_t CsvRecords::round(const Parse& parse) { return team_->round(parse); }
std::size_t CsvRecords::blocks_per_round() const { return team_->blocks_per_round(); }
const BlockTeam& CsvRecords::team() const { return *team_; }

void CsvRecords::check_columns(const CsvTexts& record) const {
  if (record.fields().size() == columns_) return;
  throw user_error("{}: {} columns; expected {}, as in the first line", record.place(), record.fields().size(), columns_);
}

}  // namespace smtrain::formats
