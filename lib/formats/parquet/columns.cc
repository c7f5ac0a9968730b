#include "formats/parquet/columns.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/convert.h"
#include "formats/parquet/leaf_reader.h"
#include "formats/parquet/part_stream.h"

namespace smtrain::formats::parquet {
namespace {

// Values that a part may hold beyond its bytes: runs take no room, and nobody means so many.
constexpr std::size_t kMostValues = std::size_t{1} << 26;

template <class T>
T load(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Puts the entries of a leaf together to rows.
class Assembler {
 public:
  Assembler(const PartColumn& column, std::size_t rows)
      : reader_(column.type, column.codec, column.pages), type_(column.type), rows_(rows),
        most_values_(kMostValues + 64 * column.pages.size()) {
    out_.name = column.name;
    out_.kind = type_.kind();
    out_.lists.resize(type_.max_repetition);
  }

  Column run(std::uint64_t skip_rows) {
    if (type_.max_repetition == 0) {
      reader_.skip(static_cast<std::size_t>(skip_rows));
      while (done_ < rows_) {
        const LeafReader::Entries entries = reader_.read(rows_ - done_);
        if (entries.count == 0) throw user_error("the column ends {} rows early", rows_ - done_);
        append_values(entries, 0, entries.count, 0);
        done_ += entries.count;
      }
      return std::move(out_);
    }
    skip_ = skip_rows;
    while (!ended_) {
      const LeafReader::Entries entries = reader_.read(LeafReader::kMost);
      if (entries.count == 0) break;
      take_lists(entries);
    }
    if (done_ < rows_) throw user_error("the column ends {} rows early", rows_ - done_);
    return std::move(out_);
  }

 private:
  // Rows begin where the repetition level is 0. Entries of rows to skip are passed over, those behind the last row end it.
  void take_lists(const LeafReader::Entries& e) {
    std::size_t first = 0, last = e.count, value = 0, values_before = 0;
    for (std::size_t i = 0; i < e.count; ++i) {
      if (e.repetition[i] == 0) {
        if (done_ == rows_) {
          ended_ = true;
          last = i;
          break;
        }
        if (skip_ > 0 && started_) --skip_;
        started_ = true;
        if (skip_ == 0) ++done_;
      } else if (!started_) {
        throw user_error("the data are damaged: a page begins in the middle of a row");
      }
      if (skip_ > 0) {
        first = i + 1;
        values_before = value += e.definition[i] == type_.max_definition ? 1 : 0;
        continue;
      }
      place(e.repetition[i], e.definition[i]);
    }
    append_values(e, first, last, values_before);
  }

  // Opens lists from the one the entry repeats in, as far down as there are any.
  void place(std::uint8_t repetition, std::uint8_t definition) {
    std::size_t level = repetition;
    if (level > 0) {
      if (definition < type_.entry_levels[level - 1] || out_.lists[level - 1].count() == 0) {
        throw user_error("the data are damaged: an entry of a list that is not there");
      }
      ++out_.lists[level - 1].offsets.back();
    }
    for (; level < out_.lists.size(); ++level) {
      Lists& lists = out_.lists[level];
      lists.offsets.push_back(lists.offsets.back());
      lists.valid.push_back(definition + 1 >= type_.entry_levels[level] ? 1 : 0);
      if (definition < type_.entry_levels[level]) return;
      ++lists.offsets.back();
    }
  }

  // The leaf's own: all entries of rows without lists, those that reach the innermost list with them.
  void append_values(const LeafReader::Entries& e, std::size_t first, std::size_t last, std::size_t value) {
    const std::uint8_t reaches = type_.max_repetition == 0 ? 0 : type_.entry_levels[type_.max_repetition - 1];
    present_.clear();
    for (std::size_t i = first; i < last; ++i) {
      if (e.definition == nullptr) present_.push_back(1);
      else if (e.definition[i] >= reaches) present_.push_back(e.definition[i] == type_.max_definition ? 1 : 0);
    }
    const auto count = static_cast<std::size_t>(std::count(present_.begin(), present_.end(), 1));
    if (present_.size() > most_values_ - std::min(most_values_, out_.valid.size()))
      throw user_error("more than {} values in {} rows", most_values_, rows_);
    out_.valid.insert(out_.valid.end(), present_.begin(), present_.end());
    const char* const data = static_cast<const char*>(e.data) + value * value_size(type_.type);
    switch (out_.kind) {
      case Kind::number:
        return append<double>(out_.numbers, count, std::numeric_limits<double>::quiet_NaN(),
                              [&](double* to) { to_float64(type_, data, count, to); });
      case Kind::text:
      case Kind::binary: return append_texts(reinterpret_cast<const std::string_view*>(data));
      default:
        return append<std::int64_t>(out_.integers, count, 0, [&](std::int64_t* to) { to_integers(type_, data, count, to); });
    }
  }

  // Nulls are spread among the values from the back, in place.
  template <class T, class Convert>
  void append(std::vector<T>& to, std::size_t count, T null, Convert&& convert) {
    const std::size_t before = to.size();
    to.resize(before + present_.size());
    convert(to.data() + before);
    if (count == present_.size()) return;
    std::size_t from = count;
    for (std::size_t i = present_.size(); i-- > 0;) to[before + i] = present_[i] != 0 ? to[before + --from] : null;
  }

  void append_texts(const std::string_view* texts) {
    for (const std::uint8_t present : present_) {
      if (present != 0) out_.text_bytes += *texts++;
      out_.text_ends.push_back(out_.text_bytes.size());
    }
  }

  LeafReader reader_;
  const LeafType type_;
  const std::size_t rows_, most_values_;
  Column out_;
  std::size_t done_ = 0;
  std::uint64_t skip_ = 0;
  bool started_ = false, ended_ = false;
  std::vector<std::uint8_t> present_;
};

std::string rows_in_words(const Part& part) {
  return part.rows == 1 ? fmt::format("row {}", part.first_row)
                        : fmt::format("rows {} to {}", part.first_row, part.first_row + part.rows - 1);
}

PartCutter::Choose by_name(std::vector<std::string> names) {
  return [names = std::move(names)](const FileSummary& file, const std::string&) {
    std::vector<std::string> there;
    for (const Leaf& leaf : file.schema.leaves) there.push_back(leaf.name);
    std::vector<std::size_t> chosen;
    for (const std::string& name : names) {
      const auto found = std::find(there.begin(), there.end(), name);
      if (found == there.end())
        throw user_error("has no column {}{}; there are: {}", smtrain::quoted(name), did_you_mean(name, there),
                         fmt::join(there, ", "));
      chosen.push_back(static_cast<std::size_t>(found - there.begin()));
    }
    return chosen;
  };
}

}  // namespace

double Column::number(std::size_t i) const {
  if (valid[i] == 0) return std::numeric_limits<double>::quiet_NaN();
  return kind == Kind::number ? numbers[i] : static_cast<double>(integers[i]);
}

std::size_t first_part_bytes(std::span<const char> bytes) {
  return bytes.size() < sizeof(PartHead) ? sizeof(PartHead) : static_cast<std::size_t>(load<PartHead>(bytes.data()).bytes);
}

std::optional<Part> first_part(std::span<const char> bytes) {
  if (bytes.size() < first_part_bytes(bytes)) return std::nullopt;
  const auto head = load<PartHead>(bytes.data());
  if (head.magic != PartHead::kMagic) throw internal_error("no Parquet part");
  Part part;
  part.first_row = head.first_row;
  part.rows = static_cast<std::size_t>(head.rows);
  part.columns.resize(static_cast<std::size_t>(head.columns));
  const char* const heads = bytes.data() + sizeof head;
  const char* names = heads + part.columns.size() * sizeof(ColumnHead);
  const char* pages = names;
  for (std::size_t i = 0; i < part.columns.size(); ++i) pages += load<ColumnHead>(heads + i * sizeof(ColumnHead)).name_bytes;
  for (std::size_t i = 0; i < part.columns.size(); ++i) {
    const auto column = load<ColumnHead>(heads + i * sizeof(ColumnHead));
    part.columns[i] = {{names, column.name_bytes},
                       column.type,
                       column.codec,
                       column.skip_rows,
                       {pages, static_cast<std::size_t>(column.page_bytes)}};
    names += column.name_bytes;
    pages += column.page_bytes;
  }
  return part;
}

std::vector<Part> parts_of(const RawBlock& block) {
  std::vector<Part> parts;
  for (std::span<const char> rest = block.bytes; !rest.empty(); rest = rest.subspan(first_part_bytes(rest))) {
    std::optional<Part> part = first_part(rest);
    if (!part) throw internal_error("{}: half a Parquet part at {}", *block.source, block.offset);
    parts.push_back(std::move(*part));
  }
  return parts;
}

Column read_column(const Part& part, const PartColumn& column, const std::string& source) {
  try {
    return Assembler(column, part.rows).run(column.skip_rows);
  } catch (const Error& e) {
    throw Error(e.fault(),
                fmt::format("{}, {}, column {}: {}", source, rows_in_words(part), smtrain::quoted(column.name), e.what()));
  }
}

std::vector<Column> read_columns(const Part& part, const std::string& source) {
  std::vector<Column> columns;
  for (const PartColumn& column : part.columns) columns.push_back(read_column(part, column, source));
  return columns;
}

PartCutter::PartCutter(std::vector<std::string> names) : PartCutter(by_name(std::move(names))) {}

std::unique_ptr<ByteStream> PartCutter::open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) {
  return make_part_stream(file, std::move(bytes), head, choose_, part_bytes_);
}

RecordCutter::Cut PartCutter::cut(const RawBlock& block, bool, bool) {
  Cut cut;
  while (block.bytes.size() - cut.bytes >= sizeof(PartHead)) {
    const auto head = load<PartHead>(block.bytes.data() + cut.bytes);
    if (head.magic != PartHead::kMagic)
      throw internal_error("{}: no Parquet part at {}", *block.source, block.offset + cut.bytes);
    if (head.bytes > block.bytes.size() - cut.bytes) break;
    cut.bytes += static_cast<std::size_t>(head.bytes);
    cut.records += static_cast<std::size_t>(head.rows);
  }
  return cut;
}

// A part is as large as its pages are, and those of all columns together may be many.
std::size_t PartCutter::block_limit(std::size_t max_record_bytes) const {
  return std::max(max_record_bytes, std::size_t{1} << 36);
}

std::optional<FileSummary> summarize(const InputFile& file) {
  const std::unique_ptr<ByteStream> stream = open_bytes(file);
  if (!file.size || !stream->can_seek()) return std::nullopt;
  try {
    const std::unique_ptr<FileBytes> bytes = file_bytes(*stream, *file.size);
    return checked_summary(read_footer(*bytes), bytes->size());
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", file.name, e.what()));
  }
}

}  // namespace smtrain::formats::parquet
