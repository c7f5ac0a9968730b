#include "formats/text/csv_parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "formats/label_size.h"
#include "formats/text/csv_guess.h"
#include "formats/text/line_count.h"
#include "formats/text/number.h"
#include "formats/text/stops.h"

namespace smtrain::formats {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

std::optional<long> as_integer(const std::string& text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string at_line(const std::string& source, std::uint64_t line) { return fmt::format("{}:{}", source, line); }

std::size_t newlines(const char* p, const char* end) { return static_cast<std::size_t>(std::count(p, end, '\n')); }

std::string_view without_bom(std::span<const char> bytes) {
  std::string_view text(bytes.data(), bytes.size());
  if (text.substr(0, kBom.size()) == kBom) text.remove_prefix(kBom.size());
  return text;
}

/// Refuses what is plainly no CSV before a message about its first "line" could confuse.
void check_is_text(std::string_view text, std::span<const char> head, const std::string& source) {
  const std::string_view sample = text.substr(0, std::min<std::size_t>(text.size(), 4096));
  const std::string_view line = sample.substr(0, sample.find('\n'));
  const bool control = std::any_of(line.begin(), line.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r';
  });
  const bool utf16 = head.size() >= 2 && ((head[0] == '\xFF' && head[1] == '\xFE') || (head[0] == '\xFE' && head[1] == '\xFF'));
  const bool zero = sample.find('\0') != std::string_view::npos;
  if (control || utf16 || zero)
    throw user_error("{}: looks like {}; expected CSV text in UTF-8 (content type text/csv)", source, describe_content(head));
}

}  // namespace

/// Walks over the records of a block. Errors carry the place.
class CsvParser::Reader {
 public:
  Reader(const CsvParser& csv, const RawBlock& block)
      : csv_(csv),
        block_(block),
        p_(block.bytes.data()),
        end_(p_ + block.bytes.size()),
        // From here on less than kNumberReach bytes are left.
        near_end_(block.bytes.size() < kNumberReach ? p_ : end_ - kNumberReach),
        stops_(EndsCsvField{csv.dialect_.delimiter}, p_, end_) {}

  void pass_over() {
    const CsvLineEnd found = find_line_end(p_, end_, csv_.dialect_);
    p_ = found.at == nullptr ? end_ : found.at + 1;
    passed_ = true;
  }

  void row(float* features, float* labels, float* weight) {
    if (std::exchange(passed_, false)) stops_.restart(p_);
    row_ = p_;
    if (p_ == end_) throw internal_error("{}: fewer CSV records than were cut", *block_.source);
    std::size_t column = 0;
    for (const Segment& s : csv_.segments_) {
      float* const parts[] = {features, labels, weight};
      float* const out = parts[static_cast<std::size_t>(s.part)] + s.start;
      fields(out, s.count, column);
      if (s.part == Segment::Part::weight && !(*weight >= 0) && csv_.options_.missing != Missing::passed_on) fail_weight(*weight, column);
      column += s.count;
    }
  }

 private:
  // Where a field ends is known before the field is computed, so that the next one does not wait for it.
  void fields(float* out, std::size_t count, std::size_t column) {
    const char delimiter = csv_.dialect_.delimiter;
    // The last column ends with the line, and goes its own way.
    const std::size_t inner = column + count == csv_.columns_ ? count - 1 : count;
    const char* p = p_;
    for (std::size_t i = 0; i < inner; ++i) {
      if (p < near_end_) [[likely]] {
        if (stops_.every_other(p) && inner - i >= kDigitFields && scan_digit_fields(p, delimiter, out + i)) {
          stops_.pass_every_other();
          p += 2 * kDigitFields;
          i += kDigitFields - 1;
          continue;
        }
        const char* stop = stops_.next();
        if (stop != end_ && *stop == delimiter && scan_field(p, static_cast<std::size_t>(stop - p), out[i])) [[likely]] {
          p = stop + 1;
          continue;
        }
      }
      p = inner_field(p, out[i], column + i);
      stops_.restart(p);
    }
    p_ = p;
    if (inner != count) last_field(out[inner]);
  }

  const char* inner_field(const char* p, float& value, std::size_t column) const {
    const char* stop = field(p, value, column);
    if (stop == end_ || *stop == '\n') fail_width();
    return stop + 1;
  }

  void last_field(float& value) {
    if (p_ < near_end_) [[likely]] {
      const char* stop = stops_.next();
      const std::size_t length = static_cast<std::size_t>(stop - p_);
      const std::size_t carriage = length > 0 && stop[-1] == '\r' ? 1 : 0;
      if (stop != end_ && *stop == '\n' && scan_field(p_, length - carriage, value)) [[likely]] {
        p_ = stop + 1;
        return;
      }
    }
    const char* stop = field(p_, value, csv_.columns_ - 1);
    if (stop != end_ && *stop != '\n') fail_width();
    p_ = stop == end_ ? stop : stop + 1;
    stops_.restart(p_);
  }

  /// Any field, within bounds; returns where it ends.
  const char* field(const char* p, float& value, std::size_t column) const {
    const CsvField f = read_field(p, end_, csv_.dialect_);
    if (f.flaw == CsvField::Flaw::open_quote) fail(column, "the quote that opens it is not closed");
    if (f.flaw == CsvField::Flaw::text_after_quote) fail(column, "text follows the closing quote; expected a delimiter");
    if (f.text.empty()) {
      value = missing(f, column);
      return f.end;
    }
    const NumberStatus status = parse_number(f.text.data(), f.text.data() + f.text.size(), value);
    const bool fine = status == NumberStatus::ok || (status == NumberStatus::not_finite && may_be_feature(allowed_at(column), value));
    if (!fine) fail_number(status, f.text, column);
    return f.end;
  }

  Missing allowed_at(std::size_t column) const {
    const Missing missing = csv_.options_.missing;
    return missing == Missing::features && csv_.part_of(column) != Segment::Part::feature ? Missing::refused : missing;
  }

  float missing(const CsvField& f, std::size_t column) const {
    if (allowed_at(column) != Missing::refused) return std::numeric_limits<float>::quiet_NaN();
    // A width that is wrong says more than the empty field behind a trailing delimiter.
    if (count_fields(row_, end_, csv_.dialect_) != csv_.columns_) fail_width();
    if (csv_.options_.missing == Missing::features) fail(column, "empty; features may be missing, labels and weights may not");
    const bool last = f.end == end_ || *f.end == '\n';
    fail(column, last && column > 0 ? "empty; the numeric algorithms have no missing values (does the line end with a delimiter?)"
                                    : "empty; the numeric algorithms have no missing values");
  }

  std::string where() const { return at_line(*block_.source, block_.first_line + newlines(block_.bytes.data(), row_)); }

  [[noreturn]] void fail(std::size_t column, std::string_view what) const {
    const std::string name = csv_.names_.empty() ? "" : fmt::format(" ({})", quoted(csv_.names_[column]));
    throw user_error("{}: column {}{}: {}", where(), column + 1, name, what);
  }

  [[noreturn]] void fail_weight(float weight, std::size_t column) const {
    fail(column, fmt::format("the weight of the row is {}; expected 0 or more", weight));
  }

  [[noreturn]] void fail_number(NumberStatus status, std::string_view text, std::size_t column) const {
    if (status == NumberStatus::too_large) fail(column, fmt::format("{} is beyond float32 (largest 3.4028235e38)", quoted(text)));
    if (status == NumberStatus::not_finite && csv_.options_.missing == Missing::features)
      fail(column, fmt::format("{} is not a finite number; only features may be missing, and be written as nan or left empty", quoted(text)));
    if (status == NumberStatus::not_finite)
      fail(column, fmt::format("{} is not a finite number; the numeric algorithms have no missing values", quoted(text)));
    const bool first_row = block_.first_record == 0 && row_ == block_.bytes.data() && !csv_.has_header_;
    fail(column, fmt::format("{} is not a number; expected {} numeric columns{}", quoted(text), csv_.columns_,
                             first_row ? "; if this line is a header, add ;header=true to the content type" : ""));
  }

  [[noreturn]] void fail_width() const {
    const std::size_t found = count_fields(row_, end_, csv_.dialect_);
    throw user_error("{}: {} column{}; expected {} as in the first record (label_size is {}, feature_dim {})", where(), found,
                     found == 1 ? "" : "s", csv_.columns_, csv_.label_width_, csv_.feature_dim_);
  }

  const CsvParser& csv_;
  const RawBlock& block_;
  const char* p_;
  const char* const end_;
  const char* const near_end_;
  Stops<EndsCsvField> stops_;
  const char* row_ = nullptr;
  bool passed_ = false;  // records were passed over, which the stops have not seen
};

CsvParser::CsvParser(const TableOptions& options) : options_(options) { read_parameters(); }

void CsvParser::read_parameters() {
  const ContentType& type = options_.type;
  dialect_ = csv_dialect(type);
  has_header_ = type.boolean("header").value_or(false);
}

void CsvParser::report_unknown_parameters(Log& log) const {
  const std::vector<std::string> known = {"label_size", "label", "weights", "weight", "header", "delimiter", "quote", "encoding", "charset"};
  for (const auto& [name, value] : options_.type.parameters)
    if (std::find(known.begin(), known.end(), name) == known.end())
      log.warning("content type parameter {}={} is not known and ignored{}", name, quoted(value), did_you_mean(name, known));
}

std::size_t CsvParser::named_column(const char* parameter, const std::string& name, std::size_t columns, const std::string& where) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found != names_.end()) {
    if (std::find(found + 1, names_.end(), name) != names_.end())
      throw user_error("{}: two columns are named {}; name the {} by its index, {}={}", where, quoted(name), parameter, parameter,
                       found - names_.begin());
    return static_cast<std::size_t>(found - names_.begin());
  }
  const std::optional<long> index = as_integer(name);
  if (!index && names_.empty())
    throw user_error("content type parameter {}={}: a name needs header=true; expected that or an index from 0", parameter, quoted(name));
  if (!index) throw user_error("{}: no column is named {}{}", where, quoted(name), did_you_mean(name, names_));
  const long count = static_cast<long>(columns);
  if (*index >= count || *index < -count)
    throw user_error("{}: {}={}, but there are {} columns; expected 0 to {}, or -1 to -{} from the end", where, parameter, *index,
                     columns, columns - 1, columns);
  return static_cast<std::size_t>(*index < 0 ? *index + count : *index);
}

std::vector<std::size_t> CsvParser::label_columns(std::size_t columns, const std::string& where, Log& log) const {
  std::vector<std::size_t> labels;
  if (const auto given = options_.type.text("label")) {
    for (const std::string_view part : split(*given, ',')) {
      labels.push_back(named_column("label", std::string(trim(part)), columns, where));
      if (std::find(labels.begin(), labels.end() - 1, labels.back()) != labels.end() - 1)
        throw user_error("content type parameter label={}: column {} is given twice", quoted(*given), labels.back());
    }
    const auto size = options_.type.integer("label_size");
    if (size && static_cast<std::size_t>(*size) != labels.size())
      throw user_error("content type {}: label names {} column{}, label_size says {}", quoted(options_.type.to_string()),
                       labels.size(), labels.size() == 1 ? "" : "s", *size);
    return labels;
  }
  const std::size_t size = label_size_of(options_, columns - (wants_weights() ? 1 : 0), where, log);
  for (std::size_t i = 0; i < size; ++i) labels.push_back(i);
  return labels;
}

CsvParser::Segment::Part CsvParser::part_of(std::size_t column) const {
  std::size_t end = 0;
  const auto holds = [&](const Segment& s) { return column < (end += s.count); };
  return std::find_if(segments_.begin(), segments_.end(), holds)->part;
}

bool CsvParser::wants_weights() const {
  return options_.type.boolean("weights").value_or(options_.csv_weights) || options_.type.text("weight").has_value();
}

// The column named, or the first one that is no label: that behind the label, where there is one.
std::size_t CsvParser::weight_column(std::span<const std::size_t> labels, const std::string& where) const {
  const auto is_label = [&](std::size_t c) { return std::find(labels.begin(), labels.end(), c) != labels.end(); };
  if (const auto given = options_.type.text("weight")) {
    const std::size_t column = named_column("weight", *given, columns_, where);
    if (is_label(column)) throw user_error("content type {}: column {} is a label and the weight", quoted(options_.type.to_string()), column);
    return column;
  }
  std::size_t column = 0;
  while (is_label(column)) ++column;
  return column;
}

void CsvParser::settle_columns(std::size_t columns, const std::string& where, Log& log) {
  const std::vector<std::size_t> labels = label_columns(columns, where, log);
  weights_ = wants_weights();
  columns_ = columns;
  label_width_ = labels.size();
  const std::size_t others = label_width_ + (weights_ ? 1 : 0);
  if (others >= columns)
    throw user_error("{}: {} columns, all of them labels{}: no feature column is left", where, columns, weights_ ? " or weights" : "");
  feature_dim_ = columns - others;
  const std::size_t weight = weights_ ? weight_column(labels, where) : columns;
  if (options_.feature_dim != 0 && options_.feature_dim != feature_dim_)
    throw user_error("{}: {} columns; feature_dim says {} (is the label column counted? label_size is {})", where, columns,
                     options_.feature_dim, label_width_);
  std::size_t next_feature = 0;
  for (std::size_t c = 0; c < columns; ++c) {
    const auto label = std::find(labels.begin(), labels.end(), c);
    const auto part = label != labels.end() ? Segment::Part::label : c == weight ? Segment::Part::weight : Segment::Part::feature;
    const std::size_t place = part == Segment::Part::label    ? static_cast<std::size_t>(label - labels.begin())
                              : part == Segment::Part::weight ? 0
                                                              : next_feature++;
    if (!segments_.empty() && segments_.back().part == part && segments_.back().start + segments_.back().count == place)
      ++segments_.back().count;
    else
      segments_.push_back({part, place, 1});
  }
}

TableSchema CsvParser::probe(std::span<const char> head, const std::string& source, Log& log) {
  report_unknown_parameters(log);
  const std::string_view text = without_bom(head);
  check_is_text(text, head, source);
  if (options_.guess_delimiter) guess_delimiter_by_lines(options_.type, text, source, log);
  dialect_ = csv_dialect(options_.type);
  const char* p = text.data();
  const char* const end = p + text.size();
  std::uint64_t line = 1;
  for (int lines_to_see = has_header_ ? 2 : 1; lines_to_see > 0; --lines_to_see) {
    const CsvLineEnd found = find_line_end(p, end, dialect_);
    if (found.at == nullptr && head.size() >= options_.max_record_bytes)
      throw user_error("{}: {} {}; is this CSV text?", at_line(source, line),
                       found.open_quote ? "a quote is not closed within" : "the line does not end within", format_bytes(head.size()));
    if (found.at == nullptr && found.open_quote) throw user_error("{}: a quote is not closed", at_line(source, line));
    const char* line_end = found.at == nullptr ? end : found.at;
    if (is_blank_line(p, line_end, dialect_) && (line == 1 || found.at != nullptr))
      throw user_error("{}: a blank line; expected {}", at_line(source, line), lines_to_see == 2 ? "a header" : "numbers");
    if (lines_to_see == 2) names_ = field_texts(p, line_end, dialect_);
    // A header without a record still settles the columns.
    const bool only_header = lines_to_see == 2 && (found.at == nullptr || found.at + 1 == end);
    if (lines_to_see == 1 || only_header) {
      const std::size_t columns = count_fields(p, line_end, dialect_);
      if (!names_.empty() && columns != names_.size())
        throw user_error("{}: {} columns; the header names {}", at_line(source, line), columns, names_.size());
      settle_columns(columns, at_line(source, line), log);
      break;
    }
    line += newlines(p, line_end) + 1;
    p = line_end + 1;
  }
  TableSchema schema;
  schema.feature_dim = feature_dim_;
  schema.label_width = label_width_;
  schema.weights = weights_;
  if (!names_.empty()) {
    std::size_t column = 0;
    for (const Segment& s : segments_)
      for (std::size_t i = 0; i < s.count; ++i, ++column)
        if (s.part == Segment::Part::feature) schema.column_names.push_back(names_[column]);
  }
  return schema;
}

void CsvParser::check_header(std::string_view line, const std::string& source) const {
  const std::vector<std::string> names = field_texts(line.data(), line.data() + line.size(), dialect_);
  if (names.size() != names_.size())
    throw user_error("{}:1: the header names {} columns; that of the first file names {}", source, names.size(), names_.size());
  for (std::size_t c = 0; c < names.size(); ++c)
    if (names[c] != names_[c])
      throw user_error("{}:1: the header differs from that of the first file: column {} is {}, expected {}", source, c + 1,
                       quoted(names[c]), quoted(names_[c]));
}

/// Bytes of the BOM and the header, or npos when they are not all there yet.
std::size_t CsvParser::skip_start(const RawBlock& block, bool at_end) const {
  if (block.bytes.size() < kBom.size() && !at_end) return std::string_view::npos;
  const char* const begin = block.bytes.data();
  const std::string_view text = without_bom(block.bytes);
  if (!has_header_ || (text.empty() && at_end)) return static_cast<std::size_t>(text.data() - begin);
  const CsvLineEnd found = find_line_end(text.data(), text.data() + text.size(), dialect_);
  if (found.at == nullptr && !at_end) return std::string_view::npos;
  const char* line_end = found.at == nullptr ? text.data() + text.size() : found.at;
  check_header(text.substr(0, static_cast<std::size_t>(line_end - text.data())), *block.source);
  return static_cast<std::size_t>(line_end - begin) + (found.at == nullptr ? 0 : 1);
}

TableParser::Cut CsvParser::cut(const RawBlock& block, bool file_start, bool at_end) {
  Cut cut;
  if (file_start) {
    blank_line_ = 0;
    const std::size_t skip = skip_start(block, at_end);
    if (skip == std::string_view::npos) return cut;
    cut.bytes = cut.skip = skip;
    cut.lines = newlines(block.bytes.data(), block.bytes.data() + skip);
  }
  const char* const p = block.bytes.data() + cut.bytes;
  const std::size_t left = block.bytes.size() - cut.bytes;
  const bool quotes = dialect_.quote != 0 && left != 0 && std::memchr(p, dialect_.quote, left) != nullptr;
  if (quotes || blank_line_ != 0)
    cut_lines(block, at_end, cut);
  else
    cut_plain(block, at_end, cut);
  if (cut.records == 0) cut.skip = cut.bytes;
  return cut;
}

/// Without quotes and blank lines, records are line feeds, which count fast.
void CsvParser::cut_plain(const RawBlock& block, bool at_end, Cut& cut) {
  const char* const p = block.bytes.data() + cut.bytes;
  const char* const end = block.bytes.data() + block.bytes.size();
  const std::string_view text(p, static_cast<std::size_t>(end - p));
  const std::size_t last = text.rfind('\n');
  const std::size_t whole = last == std::string_view::npos ? 0 : last + 1;
  const LineCount count = count_lines(p, p + whole);
  const bool rest = at_end && whole != text.size();
  const bool doubt = count.suspicious != 0 || (!text.empty() && may_begin_blank_line(text[0])) ||
                     (rest && may_begin_blank_line(text[whole]));
  if (doubt) return cut_lines(block, at_end, cut);
  cut.bytes += rest ? text.size() : whole;
  cut.lines += count.lines;
  cut.records = count.lines + (rest ? 1 : 0);
}

void CsvParser::cut_lines(const RawBlock& block, bool at_end, Cut& cut) {
  const char* p = block.bytes.data() + cut.bytes;
  const char* const end = block.bytes.data() + block.bytes.size();
  while (p != end) {
    const CsvLineEnd found = find_line_end(p, end, dialect_);
    if (found.at == nullptr && !at_end) break;
    const std::uint64_t line = block.first_line + cut.lines;
    if (found.open_quote) throw user_error("{}: a quote is not closed before the end of the file", at_line(*block.source, line));
    const char* line_end = found.at == nullptr ? end : found.at;
    if (is_blank_line(p, line_end, dialect_)) {
      if (blank_line_ == 0) blank_line_ = line;
    } else if (blank_line_ != 0) {
      // The records before it come first, so that the first fault of a file is the one reported.
      if (cut.records != 0) break;
      throw user_error("{}: a blank line; expected {} columns (blank lines may stand only at the end)",
                       at_line(*block.source, blank_line_), columns_);
    } else {
      ++cut.records;
    }
    const char* next = found.at == nullptr ? end : found.at + 1;
    cut.lines += newlines(p, next);
    cut.bytes += static_cast<std::size_t>(next - p);
    p = next;
  }
}

std::vector<std::uint64_t> CsvParser::record_lines(const RawBlock& block) const {
  std::vector<std::uint64_t> numbers;
  std::uint64_t line = block.first_line;
  const char* const end = block.bytes.data() + block.bytes.size();
  for (const char* p = block.bytes.data(); numbers.size() < block.records;) {
    numbers.push_back(line);
    const CsvLineEnd found = find_line_end(p, end, dialect_);
    const char* const next = found.at == nullptr ? end : found.at + 1;
    line += newlines(p, next);
    p = next;
  }
  return numbers;
}

void CsvParser::parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log&) const {
  Reader reader(*this, block);
  RunCursor cursor(runs, label_width_);
  WantedRecords wanted(block);
  for (std::size_t i = 0; i < block.records; ++i) {
    if (!wanted(i)) {
      reader.pass_over();
      continue;
    }
    cursor.next();
    reader.row(cursor.values(), cursor.labels(), cursor.weight());
  }
}

void CsvParser::parse_sparse(const RawBlock& block, SparseRows& rows, Log&) const {
  Reader reader(*this, block);
  std::vector<float> features(feature_dim_), labels(label_width_);
  WantedRecords wanted(block);
  for (std::size_t i = 0; i < block.records; ++i) {
    if (!wanted(i)) {
      reader.pass_over();
      continue;
    }
    float weight = 1;
    reader.row(features.data(), labels.data(), &weight);
    for (std::size_t c = 0; c < feature_dim_; ++c) {
      if (features[c] == 0) continue;
      rows.indices.push_back(static_cast<std::uint32_t>(c));
      rows.values.push_back(features[c]);
    }
    rows.indptr.push_back(rows.indices.size());
    rows.labels.insert(rows.labels.end(), labels.begin(), labels.end());
    if (weights_) rows.weights.push_back(weight);
  }
}

}  // namespace smtrain::formats
