#include "formats/matrix/matrix_market_parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "formats/label_size.h"
#include "formats/tensor_rules.h"
#include "formats/text/lines.h"
#include "formats/text/number.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kMaxWhole = std::size_t{4} << 30;
constexpr std::string_view kBanner = "%%MatrixMarket";
// A size line that claims more rows than this per byte of the file is taken for damage, not for a nearly empty matrix.
constexpr std::uint64_t kRowsPerByte = 100, kRowsAtLeast = 1000000;

std::string_view text_of(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view next_word(std::string_view& line) {
  line = trim(line);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

// The size line is the first that is neither a comment nor blank; nullopt while it is not whole.
std::optional<MatrixMarketParser::Header> MatrixMarketParser::read_header(std::string_view text, const std::string& source) {
  const std::size_t banner_end = text.find('\n');
  if (banner_end == std::string_view::npos) return std::nullopt;
  std::string_view banner = text.substr(0, banner_end);
  if (next_word(banner) != kBanner) {
    throw user_error("{}: looks like {}; expected Matrix Market text, which begins with {}", source,
                     describe_content(std::span(text.data(), text.size())), kBanner);
  }
  Header header;
  const auto choose = [&](const char* what, std::initializer_list<const char*> known) {
    const std::string word = to_lower(next_word(banner));
    const auto found = std::find_if(known.begin(), known.end(), [&](const char* k) { return word == k; });
    if (found == known.end()) throw user_error("{}:1: {} {}; expected {}", source, what, quoted(word), fmt::join(known, ", "));
    return static_cast<std::size_t>(found - known.begin());
  };
  choose("object", {"matrix"});
  header.coordinate = choose("format", {"coordinate", "array"}) == 0;
  header.pattern = choose("field", {"real", "double", "integer", "unsigned-integer", "pattern"}) == 4;
  header.symmetry = static_cast<Symmetry>(choose("symmetry", {"general", "symmetric", "skew-symmetric"}));
  if (header.pattern && !header.coordinate) throw user_error("{}:1: an array of a pattern has no numbers; expected coordinate", source);
  header.lines = 1;
  for (std::size_t at = banner_end + 1, end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    std::string_view line = trim(text.substr(at, end - at));
    ++header.lines;
    if (line.empty() || line.front() == '%') continue;
    const auto rows = whole_number(next_word(line)), cols = whole_number(next_word(line));
    const auto entries = header.coordinate ? whole_number(next_word(line)) : 0;
    if (!rows || !cols || !entries || !trim(line).empty()) {
      throw user_error("{}:{}: {}; expected {}", source, header.lines, quoted(text.substr(at, end - at)),
                       header.coordinate ? "rows, columns and entries" : "rows and columns");
    }
    header.rows = *rows;
    header.cols = *cols;
    header.entries = *entries;
    header.bytes = end + 1;
    if (header.symmetry != Symmetry::general && header.rows != header.cols) {
      throw user_error("{}:{}: {} x {}; expected a symmetric matrix to be square", source, header.lines, header.rows, header.cols);
    }
    return header;
  }
  return std::nullopt;
}

TableSchema MatrixMarketParser::probe(std::span<const char> head, const std::string& source, Log& log) {
  const auto header = read_header(text_of(head), source);
  if (!header) throw user_error("{}: no line with the size among the first {} bytes", source, head.size());
  first_ = *header;
  if (first_.cols == 0 || first_.cols > kMaxFeatureDim) {
    throw user_error("{}:{}: {} columns, expected 1 to {}", source, first_.lines, first_.cols, kMaxFeatureDim);
  }
  const auto columns = static_cast<std::size_t>(first_.cols);
  label_width_ = label_size_of(options_, columns, source, log);
  TableSchema schema;
  schema.feature_dim = columns - label_width_;
  schema.label_width = label_width_;
  schema.sparse = first_.coordinate;
  if (options_.feature_dim != 0 && options_.feature_dim != schema.feature_dim) {
    throw user_error("{}: {} columns; feature_dim says {} (is the label column counted? label_size is {})", source, columns,
                     options_.feature_dim, label_width_);
  }
  return schema;
}

void MatrixMarketParser::check_same(const Header& header, const std::string& source) const {
  if (header.coordinate == first_.coordinate && header.cols == first_.cols) return;
  throw user_error("{}: {} of {} columns; the first file has {} of {}", source, header.coordinate ? "coordinates" : "an array", header.cols,
                   first_.coordinate ? "coordinates" : "an array", first_.cols);
}

std::size_t MatrixMarketParser::block_limit(std::size_t max_record_bytes) const { return std::max(max_record_bytes, kMaxWhole); }

TableParser::Cut MatrixMarketParser::cut(const RawBlock& block, bool, bool at_end) {
  if (!at_end) return {};
  const std::string_view text = text_of(block.bytes);
  const auto header = read_header(text, *block.source);
  if (!header) throw user_error("{}: ends before the line with the size; is the file whole?", *block.source);
  check_same(*header, *block.source);
  std::uint64_t numbers = 0;
  const bool many = __builtin_mul_overflow(header->rows, header->cols, &numbers);
  const std::uint64_t most_rows = std::max(kRowsAtLeast, kRowsPerByte * text.size());
  const std::uint64_t most_numbers = (header->symmetry == Symmetry::general ? 1 : 3) * text.size() + header->rows;
  const bool hollow = header->coordinate ? header->rows > most_rows || header->entries > text.size() : many || numbers > most_numbers;
  if (hollow) {
    throw user_error("{}:{}: {} x {} with {} entries in a file of {} bytes; is the file whole?", *block.source, header->lines, header->rows,
                     header->cols, header->coordinate ? header->entries : numbers, text.size());
  }
  Cut cut;
  cut.bytes = text.size();
  cut.records = static_cast<std::size_t>(header->rows);
  return cut;
}

/// The numbers of a file, one after the other. Errors know their line.
class MatrixMarketParser::Entries {
 public:
  Entries(const MatrixMarketParser& parser, const RawBlock& block, const Header& header)
      : parser_(parser), source_(*block.source), header_(header), p_(block.bytes.data() + header.bytes),
        end_(block.bytes.data() + block.bytes.size()), line_(header.lines) {}

  /// Calls on_entry(row, column, value) for each entry of the matrix, those of a symmetric one at both places.
  template <class OnEntry>
  void each(OnEntry&& on_entry) {
    const auto place = [&](std::uint64_t i, std::uint64_t j, float value) {
      on_entry(i, j, value);
      if (i != j && header_.symmetry != Symmetry::general) on_entry(j, i, header_.symmetry == Symmetry::skew ? -value : value);
    };
    if (header_.coordinate) coordinates(place);
    else columns(place);
    if (next_line()) fail(fmt::format("more entries than the {} of the size line", header_.coordinate ? header_.entries : header_.rows * header_.cols));
  }

 private:
  template <class Place>
  void coordinates(Place&& place) {
    for (std::uint64_t k = 0; k < header_.entries; ++k) {
      if (!next_line()) fail(fmt::format("the file ends after {} entries; the size line says {}", k, header_.entries));
      const std::uint64_t i = index("row", header_.rows), j = index("column", header_.cols);
      if (header_.symmetry == Symmetry::skew && i == j) fail("an entry on the diagonal of a skew-symmetric matrix");
      place(i, j, header_.pattern ? 1.0f : number(j));
      end_line();
    }
  }

  // Arrays go down the columns; symmetric ones from the diagonal on, skew-symmetric ones below it.
  template <class Place>
  void columns(Place&& place) {
    for (std::uint64_t j = 0; j < header_.cols; ++j) {
      const std::uint64_t first = header_.symmetry == Symmetry::general ? 0 : header_.symmetry == Symmetry::symmetric ? j : j + 1;
      for (std::uint64_t i = first; i < header_.rows; ++i) {
        if (!next_line()) fail(fmt::format("the file ends before row {} of column {}", i + 1, j + 1));
        place(i, j, number(j));
        end_line();
      }
    }
  }

  // To the first word of the next line that has one.
  bool next_line() {
    for (;; ++p_) {
      while (p_ != end_ && is_blank(*p_)) ++p_;
      if (p_ == end_) return false;
      if (*p_ == '\n') {
        ++line_;
        continue;
      }
      if (*p_ != '%') return ++line_, true;
      const auto* found = static_cast<const char*>(std::memchr(p_, '\n', static_cast<std::size_t>(end_ - p_)));
      if (found == nullptr) return p_ = end_, false;
      p_ = found;
      ++line_;
    }
  }

  std::string_view word() {
    while (p_ != end_ && is_blank(*p_)) ++p_;
    const char* const first = p_;
    while (p_ != end_ && !is_blank(*p_) && *p_ != '\n') ++p_;
    return {first, static_cast<std::size_t>(p_ - first)};
  }

  void end_line() {
    if (const std::string_view more = word(); !more.empty()) fail(fmt::format("{} behind the entry; expected the end of the line", quoted(more)));
    if (p_ != end_) ++p_;
  }

  std::uint64_t index(const char* what, std::uint64_t size) {
    const std::string_view text = word();
    const auto value = whole_number(text);
    if (!value || *value < 1 || *value > size) fail(fmt::format("{} {}; expected 1 to {}", what, quoted(text), size));
    return *value - 1;
  }

  float number(std::uint64_t column) {
    const std::string_view text = word();
    float value = 0;
    const NumberStatus status = parse_number(text.data(), text.data() + text.size(), value);
    const bool label = column < parser_.label_width_ && parser_.options_.missing == Missing::features;
    const Missing missing = label ? Missing::refused : parser_.options_.missing;
    if (status == NumberStatus::ok || (status == NumberStatus::not_finite && may_be_feature(missing, value))) return value;
    fail(fmt::format("{} is not a {}", quoted(text), status == NumberStatus::not_a_number ? "number" : "finite float32"));
  }

  [[noreturn]] void fail(std::string_view what) const { throw user_error("{}: {}", line_place(source_, line_), what); }

  const MatrixMarketParser& parser_;
  const std::string& source_;
  const Header& header_;
  const char* p_;
  const char* const end_;
  std::uint64_t line_;
};

// By counting: entries come in any order.
MatrixMarketParser::Rows MatrixMarketParser::rows_of(const RawBlock& block) const {
  const Header header = *read_header(text_of(block.bytes), *block.source);
  struct Entry {
    std::uint64_t row;
    std::uint32_t col;
    float value;
  };
  std::vector<Entry> entries;
  Rows rows;
  rows.indptr.assign(static_cast<std::size_t>(header.rows) + 1, 0);
  Entries(*this, block, header).each([&](std::uint64_t i, std::uint64_t j, float value) {
    entries.push_back({i, static_cast<std::uint32_t>(j), value});
    ++rows.indptr[static_cast<std::size_t>(i) + 1];
  });
  for (std::size_t i = 0; i < header.rows; ++i) rows.indptr[i + 1] += rows.indptr[i];
  std::vector<std::uint64_t> next(rows.indptr.begin(), rows.indptr.end() - 1);
  std::vector<std::pair<std::uint32_t, float>> sorted(entries.size());
  for (const Entry& e : entries) sorted[next[static_cast<std::size_t>(e.row)]++] = {e.col, e.value};
  for (std::size_t i = 0; i < header.rows; ++i) {
    const auto first = sorted.begin() + static_cast<std::ptrdiff_t>(rows.indptr[i]);
    const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(rows.indptr[i + 1]);
    std::sort(first, last, [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto twice = std::adjacent_find(first, last, [](const auto& a, const auto& b) { return a.first == b.first; });
    if (twice != last) throw user_error("{}: entry ({}, {}) stands there twice; expected each once", *block.source, i + 1, twice->first + 1);
  }
  for (const auto& [col, value] : sorted) {
    rows.cols.push_back(col);
    rows.values.push_back(value);
  }
  return rows;
}

// on_row(columns, values): spans of one row, labels included.
template <class OnRow>
void MatrixMarketParser::each_row(const RawBlock& block, OnRow&& on_row) const {
  const Rows rows = rows_of(block);
  WantedRecords wanted(block);
  for (std::size_t i = 0; i < block.records; ++i) {
    if (!wanted(i)) continue;
    const std::size_t a = rows.indptr[i], n = rows.indptr[i + 1] - a;
    on_row(std::span(rows.cols).subspan(a, n), std::span(rows.values).subspan(a, n));
  }
}

void MatrixMarketParser::parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log&) const {
  RunCursor cursor(runs, label_width_);
  const std::size_t width = static_cast<std::size_t>(first_.cols) - label_width_;
  each_row(block, [&](std::span<const std::uint32_t> cols, std::span<const float> values) {
    cursor.next();
    std::fill_n(cursor.values(), width, 0.0f);
    if (float* labels = cursor.labels()) std::fill_n(labels, label_width_, 0.0f);
    for (std::size_t k = 0; k < cols.size(); ++k) {
      float* const to = cols[k] < label_width_ ? cursor.labels() : cursor.values() - label_width_;
      to[cols[k]] = values[k];
    }
  });
}

void MatrixMarketParser::parse_sparse(const RawBlock& block, SparseRows& rows, Log&) const {
  each_row(block, [&](std::span<const std::uint32_t> cols, std::span<const float> values) {
    const std::size_t labels = rows.labels.size();
    rows.labels.resize(labels + label_width_, 0.0f);
    for (std::size_t k = 0; k < cols.size(); ++k) {
      if (cols[k] < label_width_) {
        rows.labels[labels + cols[k]] = values[k];
      } else if (first_.coordinate || values[k] != 0) {
        rows.indices.push_back(cols[k] - static_cast<std::uint32_t>(label_width_));
        rows.values.push_back(values[k]);
      }
    }
    rows.indptr.push_back(rows.indices.size());
  });
}

}  // namespace smtrain::formats
