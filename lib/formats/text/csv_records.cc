#include "formats/text/csv_records.h"

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/csv_stream.h"
#include "formats/text/csv_guess.h"
#include "formats/text/csv_parser.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{64} << 10;

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
  guess_csv_delimiter(type_, without_bom({head.data(), head.size()}), source, log);
  dialect_ = csv_dialect(type_);
  // Two whole lines tell whether the first is a header.
  for (std::size_t wanted = kHeadBytes; head.size() == wanted && wanted < max_record_bytes_; head = team_->head(wanted, source)) {
    const std::string_view text = without_bom({head.data(), head.size()});
    const std::size_t first = csv_first_line(text, dialect_).size();
    if (first < text.size() && first + 1 + csv_first_line(text.substr(first + 1), dialect_).size() < text.size()) break;
    wanted *= 2;
  }
  const std::string_view text = without_bom({head.data(), head.size()});
  guess_csv_header(type_, text, source, log);
  TableOptions table;
  table.type = type_;
  table.max_record_bytes = max_record_bytes_;
  cutter_->parser = std::make_unique<CsvParser>(table);
  const TableSchema schema = cutter_->parser->probe(head, source, log);
  columns_ = schema.feature_dim;
  names_ = schema.column_names;
  if (names_.empty()) return;
  header_line_ = csv_first_line(text, dialect_);
  header_line_ += '\n';
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
