#include "formats/parquet/csv_stream.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/columns.h"
#include "formats/series/calendar.h"

namespace smtrain::formats::parquet {
namespace {

constexpr std::int64_t kMicroseconds = 1'000'000;

std::vector<std::size_t> choose_all(const FileSummary& file, const std::string&) {
  std::vector<std::size_t> all;
  for (const Leaf& leaf : file.schema.leaves) {
    if (leaf.type.max_repetition != 0) {
      throw user_error("column {} holds lists, which are no fields of text; leave it out when the file is written",
                       smtrain::quoted(leaf.name));
    }
    all.push_back(all.size());
  }
  return all;
}

void append_text(std::string& out, std::string_view text) {
  const auto must_be_quoted = [](char c) { return c == ',' || c == '"' || c == '\n' || c == '\r'; };
  const bool blank_at_end = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!blank_at_end && std::none_of(text.begin(), text.end(), must_be_quoted)) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

void append_time(std::string& out, std::int64_t microseconds, Kind kind) {
  std::int64_t seconds = microseconds / kMicroseconds, fraction = microseconds % kMicroseconds;
  if (fraction < 0) {
    fraction += kMicroseconds;
    --seconds;
  }
  const std::string text = format_time(seconds);
  if (kind == Kind::date) out += std::string_view(text).substr(0, text.find(' '));
  else if (kind == Kind::time) out += std::string_view(text).substr(text.find(' ') + 1);
  else out += text;
  if (fraction != 0) out += fmt::format(".{:06}", fraction);
}

// As tables are written: without a point where there is nothing behind it.
template <class Number>
void append_plain(std::string& out, Number value) {
  append_number(out, value);
  if (out.ends_with(".0")) out.resize(out.size() - 2);
}

void append_value(std::string& out, const Column& column, const LeafType& type, std::size_t row) {
  if (column.valid[row] == 0) return;
  switch (column.kind) {
    case Kind::boolean:
    case Kind::integer: out += std::to_string(column.integers[row]); break;
    case Kind::number:
      if (type.type == PhysicalType::float32) append_plain(out, static_cast<float>(column.numbers[row]));
      else append_plain(out, column.numbers[row]);
      break;
    case Kind::text:
    case Kind::binary: append_text(out, column.text(row)); break;
    default: append_time(out, column.integers[row], column.kind);
  }
}

class CsvStream final : public ByteStream {
 public:
  CsvStream(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head)
      : name_(file.name), cutter_(choose_all), parts_(cutter_.open(file, std::move(bytes), head)) {}

  std::size_t read(std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      if (at_ == text_.size() && !next_part()) break;
      const std::size_t take = std::min(into.size() - done, text_.size() - at_);
      std::memcpy(into.data() + done, text_.data() + at_, take);
      at_ += take;
      done += take;
    }
    return done;
  }
  std::uint64_t consumed() const override { return parts_->consumed(); }
  std::string compression() const override { return parts_->compression(); }
  bool slow() const override { return true; }
  bool can_seek() const override { return false; }
  void seek(std::uint64_t) override { throw internal_error("{}: text of Parquet cannot seek", name_); }
  void cancel() override { parts_->cancel(); }

 private:
  bool next_part() {
    part_.resize(first_part_bytes({}));
    if (!fill(0)) return false;
    const std::size_t head = part_.size();
    part_.resize(first_part_bytes(part_));
    if (!fill(head)) throw internal_error("{}: half a Parquet part", name_);
    text_.clear();
    at_ = 0;
    write(*first_part(part_));
    return true;
  }

  // part_ from `from` on; false at the end of the file.
  bool fill(std::size_t from) {
    return parts_->read(std::span<char>(part_.data() + from, part_.size() - from)) == part_.size() - from;
  }

  void write(const Part& part) {
    if (!header_) write_header(part);
    const std::vector<Column> columns = read_columns(part, name_);
    for (std::size_t row = 0; row < part.rows; ++row) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) text_ += ',';
        append_value(text_, columns[i], part.columns[i].type, row);
      }
      // A line of nothing would be no record.
      if (columns.size() == 1 && columns[0].valid[row] == 0) text_ += "\"\"";
      text_ += '\n';
    }
  }

  void write_header(const Part& part) {
    for (std::size_t i = 0; i < part.columns.size(); ++i) {
      if (i > 0) text_ += ',';
      append_text(text_, part.columns[i].name);
    }
    text_ += '\n';
    header_ = true;
  }

  std::string name_;
  PartCutter cutter_;
  std::unique_ptr<ByteStream> parts_;
  std::vector<char> part_;
  std::string text_;
  std::size_t at_ = 0;
  bool header_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> make_csv_stream(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) {
  return std::make_unique<CsvStream>(file, std::move(bytes), head);
}

}  // namespace smtrain::formats::parquet
