#include "formats/text/csv_texts.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/io/byte_stream.h"
#include "formats/parquet/csv_stream.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{1} << 20;

// The end of the record at p, its line feed left out; null when more bytes are needed.
const char* record_end(const char* p, const char* end, CsvDialect dialect, bool at_end) {
  const CsvLineEnd found = find_line_end(p, end, dialect);
  if (found.at != nullptr) return found.at;
  return at_end && !found.open_quote ? end : nullptr;
}

std::uint64_t lines_in(const char* p, const char* end) { return static_cast<std::uint64_t>(std::count(p, end, '\n')); }

}  // namespace

CsvTextForm CsvTextForm::of(const ContentType& type) {
  if (type.format == Format::parquet) return {{}, true, true};
  return {csv_dialect(type), type.boolean("header").value_or(false), false};
}

std::unique_ptr<ByteStream> CsvTextCutter::open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) {
  return form_.of_parquet ? parquet::make_csv_stream(file, std::move(bytes), head) : std::move(bytes);
}

RecordCutter::Cut CsvTextCutter::cut(const RawBlock& block, bool file_start, bool at_end) {
  const char* const begin = block.bytes.data();
  const char* const end = begin + block.bytes.size();
  if (file_start && !at_end && block.bytes.size() < kBom.size()) return {};
  const char* p = begin;
  if (file_start && std::string_view(begin, block.bytes.size()).starts_with(kBom)) p += kBom.size();
  Cut cut;
  cut.skip = static_cast<std::size_t>(p - begin);
  bool header = file_start && form_.header;
  while (p != end) {
    const char* const record = p;
    const char* const stop = record_end(p, end, form_.dialect, at_end);
    const auto length = static_cast<std::size_t>((stop == nullptr ? end : stop) - record);
    if (length > max_record_bytes_ || (stop == nullptr && at_end)) {
      const std::string place = line_place(*block.source, block.first_line + lines_in(begin, record));
      if (length <= max_record_bytes_) throw user_error("{}: a quote is opened and never closed", place);
      throw user_error("{}: a record of {} bytes or more, expected at most {} (--max-record-bytes); is a quote left open?", place,
                       length, max_record_bytes_);
    }
    if (stop == nullptr) break;
    p = stop == end ? end : stop + 1;
    if (is_blank_line(record, stop, form_.dialect)) continue;
    if (header) cut.skip = static_cast<std::size_t>(p - begin);
    else ++cut.records;
    header = false;
  }
  if (header && !at_end) return {};  // the next cut would not know that the header is still to come
  cut.bytes = static_cast<std::size_t>(p - begin);
  cut.lines = static_cast<std::size_t>(lines_in(begin, p));
  return cut;
}

CsvTexts::CsvTexts(const RawBlock& block, CsvDialect dialect)
    : block_(block), dialect_(dialect), at_(block.bytes.data()), end_(at_ + block.bytes.size()), line_(block.first_line),
      next_line_(block.first_line) {}

std::string CsvTexts::place() const { return line_place(*block_.source, line_); }

bool CsvTexts::next() {
  while (at_ != end_) {
    const char* const record = at_;
    const char* const stop = record_end(at_, end_, dialect_, true);
    line_ = next_line_;
    if (stop == nullptr) throw internal_error("{}: a record without its end", place());
    at_ = stop == end_ ? end_ : stop + 1;
    text_ = {record, static_cast<std::size_t>(at_ - record)};
    next_line_ += lines_in(record, at_);
    if (is_blank_line(record, stop, dialect_)) continue;
    read_fields(record, stop);
    return true;
  }
  return false;
}

void CsvTexts::read_fields(const char* p, const char* stop) {
  fields_.clear();
  unquoted_.clear();
  for (;; ++p) {
    const CsvField field = read_field(p, stop, dialect_);
    if (field.flaw != CsvField::Flaw::none) {
      throw user_error("{}: column {}: text behind the closing quote of {}; a quote inside of a field is doubled", place(),
                       fields_.size(), smtrain::quoted(field.text));
    }
    std::string_view text = field.text;
    if (field.quoted && text.find(dialect_.quote) != std::string_view::npos) {
      text = unquoted_.emplace_back(with_single_quotes(text, dialect_.quote));
    }
    fields_.push_back(text);
    p = field.end;
    if (p == stop) return;
  }
}

std::vector<std::string> csv_header(const std::vector<InputFile>& files, const CsvTextForm& form) {
  for (const InputFile& file : files) {
    if (!file.rewindable)
      throw user_error("{}: the columns of a table are looked up before it is read; save it to a file first", file.name);
    std::string head(kHeadBytes, '\0');
    std::unique_ptr<ByteStream> bytes = open_bytes(file);
    if (form.of_parquet) bytes = parquet::make_csv_stream(file, std::move(bytes), "");
    head.resize(bytes->read(head));
    const std::string_view text = without_bom(head);
    const char* const stop = record_end(text.data(), text.data() + text.size(), form.dialect, head.size() < kHeadBytes);
    if (stop == nullptr)
      throw user_error("{}: the header does not end within {} bytes; is a quote left open?", file.name, head.size());
    if (!text.empty()) return field_texts(text.data(), stop, form.dialect);
  }
  return {};
}

}  // namespace smtrain::formats
