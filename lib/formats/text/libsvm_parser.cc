#include "formats/text/libsvm_parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "formats/tensor_rules.h"
#include "formats/text/lines.h"
#include "formats/text/number.h"

namespace smtrain::formats {
namespace {

constexpr std::uint64_t kOpenWidth = kMaxFeatureDim;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

bool all_digits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

// The lines of a text that hold a row, without comments and without blanks around them.
class RowLines {
 public:
  RowLines(std::string_view text, std::uint64_t first_line) : p_(text.data()), end_(p_ + text.size()), number_(first_line - 1) {}
  bool next() {
    while (p_ != end_) {
      const auto* found = static_cast<const char*>(std::memchr(p_, '\n', static_cast<std::size_t>(end_ - p_)));
      const char* stop = found == nullptr ? end_ : found;
      first_ = p_;
      p_ = found == nullptr ? end_ : found + 1;
      ++number_;
      while (first_ != stop && is_blank(*first_)) ++first_;
      if (first_ == stop || *first_ == '#') continue;
      const auto* comment = static_cast<const char*>(std::memchr(first_, '#', static_cast<std::size_t>(stop - first_)));
      last_ = comment == nullptr ? stop : comment;
      while (is_blank(last_[-1])) --last_;
      return true;
    }
    return false;
  }
  const char* first() const { return first_; }
  const char* last() const { return last_; }
  std::uint64_t number() const { return number_; }

 private:
  const char* p_;
  const char* const end_;
  const char *first_ = nullptr, *last_ = nullptr;
  std::uint64_t number_;
};

struct Tokens {
  const char *p, *end;
  std::string_view next() {
    while (p != end && is_blank(*p)) ++p;
    const char* first = p;
    while (p != end && !is_blank(*p)) ++p;
    return {first, static_cast<std::size_t>(p - first)};
  }
};

std::string_view text_of(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

std::uint64_t index_of(std::string_view token) {
  std::uint64_t index = 0;
  std::from_chars(token.data(), token.data() + token.size(), index);
  return index;
}

}  // namespace

/// Takes the rows of a block apart. Errors know their line.
class LibsvmParser::Reader {
 public:
  Reader(const LibsvmParser& svm, const RawBlock& block)
      : svm_(svm),
        block_(block),
        lines_(text_of(block.bytes), block.first_line),
        // From here on less than kNumberReach bytes are left.
        near_end_(block.bytes.size() < kNumberReach ? block.bytes.data() : block.bytes.data() + (block.bytes.size() - kNumberReach)) {}

  bool next() { return lines_.next(); }

  RowHead head() {
    p_ = lines_.first();
    last_ = lines_.last();
    RowHead head;
    if (svm_.has_label_) read_label(head);
    if (last_ - p_ > 4 && std::memcmp(p_, "qid:", 4) == 0) {
      if (!svm_.has_qid_) fail("a query id (qid); the first row has none");
      read_qid(head);
    } else if (svm_.has_qid_) {
      fail("no query id (qid:n); the first row has one");
    }
    return head;
  }

  /// Appends the features of the row.
  void features(std::vector<std::uint32_t>& indices, std::vector<float>& values) {
    const std::size_t start = indices.size();
    const std::uint64_t width = svm_.width_ == 0 ? kOpenWidth : svm_.width_;
    std::uint64_t before = 0;  // the last index plus one
    bool ascending = true;
    while (p_ != last_) {
      std::uint64_t index;
      float value;
      pair(index, value);
      if (index < svm_.index_base_) fail("index 0; index_base=1 says that the first one is 1");
      index -= svm_.index_base_;
      if (index >= width) fail_index(index);
      ascending = ascending && index >= before;
      before = index + 1;
      indices.push_back(static_cast<std::uint32_t>(index));
      values.push_back(value);
    }
    if (!ascending) sort(std::span(indices).subspan(start), std::span(values).subspan(start));
  }

  /// The largest index of the row plus one, and whether the index 0 is there.
  std::pair<std::uint64_t, bool> extent() {
    p_ = lines_.first();
    last_ = lines_.last();
    std::uint64_t width = 0;
    bool zero = false;
    for (const char* colon; (colon = static_cast<const char*>(std::memchr(p_, ':', static_cast<std::size_t>(last_ - p_)))) != nullptr;) {
      const char* digits = colon;
      while (digits != p_ && !is_blank(digits[-1])) --digits;
      const bool leads = digits == lines_.first();
      p_ = colon + 1;
      const std::string_view token(digits, static_cast<std::size_t>(colon - digits));
      // Anything else is refused when it is parsed.
      if ((leads && svm_.has_label_) || !all_digits(token) || token.size() > 18) continue;
      const std::uint64_t index = index_of(token);
      zero = zero || index == 0;
      if (index >= svm_.index_base_) width = std::max(width, index - svm_.index_base_ + 1);
    }
    return {width, zero};
  }

  [[noreturn]] void fail(std::string_view what) const { throw user_error("{}: {}", line_place(*block_.source, lines_.number()), what); }

 private:
  void skip_blanks() {
    while (p_ != last_ && is_blank(*p_)) ++p_;
  }

  std::string_view token() {
    Tokens tokens{p_, last_};
    const std::string_view text = tokens.next();
    p_ = tokens.p;
    skip_blanks();
    return text;
  }

  float number(std::string_view text, Missing missing, std::string_view what, std::string_view expected) const {
    float value = 0;
    const NumberStatus status = parse_number(text.data(), text.data() + text.size(), value);
    if (status == NumberStatus::ok || (status == NumberStatus::not_finite && may_be_feature(missing, value))) return value;
    if (status == NumberStatus::too_large) fail(fmt::format("{}: {} is beyond float32 (largest 3.4028235e38)", what, quoted(text)));
    fail(fmt::format("{}: {} is not a {}number; expected {}", what, quoted(text), status == NumberStatus::not_finite ? "finite " : "", expected));
  }

  // A label that is missing is none.
  Missing of_labels() const { return svm_.options_.missing == Missing::passed_on ? Missing::passed_on : Missing::refused; }

  void read_label(RowHead& head) {
    const std::string_view text = token();
    const std::size_t colon = text.find(':');
    if ((colon != std::string_view::npos) != svm_.has_weight_) {
      fail(fmt::format("{} as label; expected {} as in the first row", quoted(text),
                       svm_.has_weight_ ? "label:weight" : "a label without a weight"));
    }
    head.label = number(text.substr(0, colon), of_labels(), "label", "label[:weight] index:value ...");
    if (!svm_.has_weight_) return;
    head.weight = number(text.substr(colon + 1), of_labels(), "weight", "a weight of at least 0");
    if (head.weight < 0) fail(fmt::format("the weight of the row is {}; expected 0 or more", head.weight));
  }

  void read_qid(RowHead& head) {
    const std::string_view text = token().substr(4);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.qid);
    if (error != std::errc() || end != text.data() + text.size()) fail(fmt::format("qid: {} is not a whole number of at least 0", quoted(text)));
  }

  // The next index:value, and the blanks behind it.
  void pair(std::uint64_t& index, float& value) {
    if (p_ >= near_end_ || !quick_pair(index, value)) slow_pair(index, value);
    skip_blanks();
  }

  // What people write: an index of at most eight digits and a short decimal.
  bool quick_pair(std::uint64_t& index, float& value) {
    const number_detail::Digits digits = number_detail::leading_digits(p_);
    const char* const number = p_ + digits.count + 1;
    if (digits.count == 0 || number[-1] != ':') return false;
    if (number > near_end_) return false;
    index = digits.value;
    const char* stop = number;
    while (stop < last_ && !is_blank(*stop)) ++stop;
    if (stop == number || !scan_field(number, static_cast<std::size_t>(stop - number), value)) return false;
    p_ = stop;
    return true;
  }

  void slow_pair(std::uint64_t& index, float& value) {
    Tokens tokens{p_, last_};
    const std::string_view text = tokens.next();
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || !all_digits(text.substr(0, colon))) {
      fail(fmt::format("{} is no feature; expected index:value with an index of at least {}", quoted(text), svm_.index_base_));
    }
    if (colon > 18) fail(fmt::format("index {} is beyond the largest, {}", quoted(text.substr(0, colon)), kMaxFeatureDim - 1));
    index = index_of(text.substr(0, colon));
    value = number(text.substr(colon + 1), svm_.options_.missing, fmt::format("value of index {}", index), "index:value");
    p_ = tokens.p;
  }

  [[noreturn]] void fail_index(std::uint64_t index) const {
    if (svm_.width_ == 0) fail(fmt::format("index {}; expected at most {}", index + svm_.index_base_, kMaxFeatureDim - 1));
    fail(fmt::format("index {}; expected below {}, as feature_dim says{}", index + svm_.index_base_, svm_.width_ + svm_.index_base_,
                     index == svm_.width_ && svm_.index_base_ == 0 ? " (if the first index is 1, say ;index_base=1 in the content type)" : ""));
  }

  void sort(std::span<std::uint32_t> indices, std::span<float> values) const {
    std::vector<std::pair<std::uint32_t, float>> row(indices.size());
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = {indices[i], values[i]};
    std::sort(row.begin(), row.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0 && row[i].first == row[i - 1].first) fail(fmt::format("index {} stands there twice; expected each once", row[i].first + svm_.index_base_));
      indices[i] = row[i].first;
      values[i] = row[i].second;
    }
  }

  const LibsvmParser& svm_;
  const RawBlock& block_;
  RowLines lines_;
  const char* const near_end_;
  const char *p_ = nullptr, *last_ = nullptr;
};

LibsvmParser::LibsvmParser(const TableOptions& options) : options_(options) {
  const ContentType& type = options_.type;
  const auto base = type.integer("index_base");
  if (base && *base != 0 && *base != 1) throw user_error("content type parameter index_base={}: expected 0 or 1", *base);
  index_base_ = static_cast<std::uint64_t>(base.value_or(0));
  use_weights_ = type.boolean("weights").value_or(true);
  use_qids_ = type.boolean("qid").value_or(true);
  width_ = options_.feature_dim;
  if (const auto width = type.integer("feature_dim")) {
    if (*width < 1 || static_cast<std::uint64_t>(*width) > kMaxFeatureDim) {
      throw user_error("content type parameter feature_dim={}: expected 1 to {}", *width, kMaxFeatureDim);
    }
    if (width_ != 0 && width_ != static_cast<std::uint64_t>(*width)) {
      throw user_error("content type parameter feature_dim={}: expected {}, as feature_dim says", *width, width_);
    }
    width_ = static_cast<std::uint64_t>(*width);
  }
}

// Rows of a request have no label, and a label with a weight looks like a feature: 1:0.5. The documented form begins with the
// label, so that is what a lone number is; a pair is a feature where it may be one in every row that is seen.
bool LibsvmParser::finds_labels(std::string_view head, const std::string& source, Log& log) const {
  if (const auto given = options_.type.integer("label_size")) {
    if (*given != 0 && *given != 1) throw user_error("content type parameter label_size={}: libsvm rows have one label or none", *given);
    return *given == 1;
  }
  if (options_.supervised) return true;
  constexpr int kRowsSeen = 1000;
  RowLines lines(head.substr(0, head.rfind('\n') == std::string_view::npos ? head.size() : head.rfind('\n')), 1);
  std::string_view first_pair;
  for (int i = 0; i < kRowsSeen && lines.next(); ++i) {
    Tokens tokens{lines.first(), lines.last()};
    const std::string_view a = tokens.next(), b = tokens.next();
    if (i == 0 && a.starts_with("qid:")) return false;
    const std::string_view name_a = a.substr(0, a.find(':')), name_b = b.substr(0, b.find(':'));
    if (name_a.size() == a.size() || !all_digits(name_a) || name_b == "qid") return true;
    if (all_digits(name_b) && index_of(name_b) <= index_of(name_a)) return true;
    if (i == 0) first_pair = a;
  }
  log.warning("{}: {} is taken for a feature, not for a label with a weight: the indices of the first rows ascend from it; if it is a label, "
              "say ;label_size=1 in the content type", source, quoted(first_pair));
  return false;
}

TableSchema LibsvmParser::probe(std::span<const char> bytes, const std::string& source, Log& log) {
  const std::vector<std::string> known = {"label_size", "weights", "qid", "index_base", "feature_dim"};
  for (const auto& [name, value] : options_.type.parameters)
    if (std::find(known.begin(), known.end(), name) == known.end())
      log.warning("content type parameter {}={} is not known and ignored{}", name, smtrain::quoted(value), did_you_mean(name, known));
  const std::string_view head = without_bom(text_of(bytes));
  RowLines lines(head, 1);
  if (!lines.next()) throw user_error("{}: no row, expected libsvm text such as \"1 0:0.5 7:2\"", source);
  has_label_ = finds_labels(head, source, log);
  Tokens tokens{lines.first(), lines.last()};
  if (has_label_) has_weight_ = tokens.next().find(':') != std::string_view::npos;
  has_qid_ = tokens.next().starts_with("qid:");
  // The first row shows whether the bytes are of this format at all.
  const std::string_view row(lines.first(), static_cast<std::size_t>(lines.last() - lines.first()));
  const RawBlock block{row, std::make_shared<const std::string>(source), 0, 0, lines.number(), 1};
  SparseRows rows;
  parse_sparse(block, rows, log);
  TableSchema schema;
  schema.feature_dim = static_cast<std::size_t>(width_);
  schema.label_width = has_label_ ? 1 : 0;
  schema.weights = has_weight_ && use_weights_;
  schema.qids = has_qid_ && use_qids_;
  schema.sparse = true;
  return schema;
}

TableParser::Cut LibsvmParser::cut(const RawBlock& block, bool file_start, bool at_end) {
  const std::string_view bytes = text_of(block.bytes);
  const std::size_t last = bytes.rfind('\n');
  Cut cut;
  cut.bytes = at_end ? bytes.size() : last == std::string_view::npos ? 0 : last + 1;
  if (cut.bytes == 0) {
    if (bytes.size() <= options_.max_record_bytes) return cut;
    throw user_error("{}: a line of {} bytes or more, expected at most {} (--max-record-bytes)", line_place(*block.source, block.first_line),
                     bytes.size(), options_.max_record_bytes);
  }
  const std::string_view whole = bytes.substr(0, cut.bytes);
  cut.lines = static_cast<std::size_t>(std::count(whole.begin(), whole.end(), '\n'));
  const std::size_t bom = file_start && whole.starts_with(kBom) ? kBom.size() : 0;
  cut.skip = cut.bytes;
  RowLines lines(whole.substr(bom), block.first_line);
  while (lines.next()) {
    if (static_cast<std::size_t>(lines.last() - lines.first()) > options_.max_record_bytes) {
      throw user_error("{}: a line of {} bytes or more, expected at most {} (--max-record-bytes)", line_place(*block.source, lines.number()),
                       lines.last() - lines.first(), options_.max_record_bytes);
    }
    // Comments before the first row are left out, so that the block begins at the line of its first record.
    if (cut.records++ == 0) cut.skip = static_cast<std::size_t>(lines.first() - bytes.data());
  }
  return cut;
}

std::vector<std::uint64_t> LibsvmParser::record_lines(const RawBlock& block) const {
  std::vector<std::uint64_t> numbers;
  for (RowLines lines(text_of(block.bytes), block.first_line); lines.next();) numbers.push_back(lines.number());
  return numbers;
}

void LibsvmParser::measure(const RawBlock& block) {
  Reader reader(*this, block);
  std::uint64_t width = 0;
  bool zero = false;
  while (reader.next()) {
    const auto [row_width, row_zero] = reader.extent();
    width = std::max(width, row_width);
    zero = zero || row_zero;
  }
  if (zero) saw_first_index_ = true;
  std::uint64_t before = measured_;
  while (before < width && !measured_.compare_exchange_weak(before, width)) {
  }
}

std::size_t LibsvmParser::settle_width(const std::string& source, Log& log) {
  if (measured_ > kMaxFeatureDim) {
    throw user_error("{}: the largest index is {}, expected at most {}", source, measured_ - 1 + index_base_, kMaxFeatureDim - 1);
  }
  if (!saw_first_index_ && measured_ > 0 && index_base_ == 0) {
    log.warning("{}: index 0 never occurs; indices count from 0 as the format documents it, so that feature 0 is always missing; if the first "
                "index is 1, say ;index_base=1 in the content type", source);
  }
  // Rows without any feature are still rows.
  width_ = std::max<std::uint64_t>(measured_, 1);
  return static_cast<std::size_t>(width_);
}

template <class OnRow>
void LibsvmParser::each_row(const RawBlock& block, OnRow&& on_row) const {
  Reader reader(*this, block);
  WantedRecords wanted(block);
  for (std::size_t i = 0; reader.next(); ++i) {
    if (wanted(i)) on_row(reader, reader.head());
  }
}

void LibsvmParser::parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log&) const {
  RunCursor cursor(runs, has_label_ ? 1 : 0);
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
  each_row(block, [&](Reader& reader, const RowHead& head) {
    cursor.next();
    indices.clear();
    values.clear();
    reader.features(indices, values);
    std::fill_n(cursor.values(), width_, 0.0f);
    for (std::size_t i = 0; i < indices.size(); ++i) cursor.values()[indices[i]] = values[i];
    if (float* label = cursor.labels()) *label = head.label;
    if (float* weight = cursor.weight()) *weight = head.weight;
    if (std::uint64_t* qid = cursor.qid()) *qid = head.qid;
  });
}

void LibsvmParser::parse_sparse(const RawBlock& block, SparseRows& rows, Log&) const {
  each_row(block, [&](Reader& reader, const RowHead& head) {
    reader.features(rows.indices, rows.values);
    rows.indptr.push_back(rows.indices.size());
    if (has_label_) rows.labels.push_back(head.label);
    if (has_weight_ && use_weights_) rows.weights.push_back(head.weight);
    if (has_qid_ && use_qids_) rows.qids.push_back(head.qid);
  });
}

}  // namespace smtrain::formats
