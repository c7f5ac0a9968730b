#include "formats/parquet/part_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/convert.h"

namespace smtrain::formats::parquet {

using Form = TableColumn::Form;
using Role = TableColumn::Role;

PartRows::PartRows(const TablePlan& plan, const Part& part, const std::string& source, Missing missing,
                   std::atomic<bool>& warned_integer, Log& log)
    : plan_(plan),
      part_(part),
      source_(source),
      missing_(missing),
      warned_integer_(warned_integer),
      log_(log),
      columns_(plan.columns.size()) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (plan.columns[i].form != Form::number) continue;
    const PartColumn& leaf = part.columns[plan.columns[i].leaf];
    if (!is_numeric(leaf.type.kind()) || leaf.type.max_repetition != 0) {
      throw user_error("{}: column {} is {}, expected a number as in the first file", source, smtrain::quoted(leaf.name),
                       words_for(leaf.type.kind()));
    }
    columns_[i].reader.emplace(leaf.type, leaf.codec, leaf.pages);
  }
  if (has_large_dictionary()) tile_rows_ = std::clamp(part.rows, kFewRows, kMost);
  // One line more, to begin at one.
  void* memory = tile_memory_.resize((kGroup * (tile_rows_ + kLine) + kLine) * sizeof(float)).data();
  std::size_t room = kLine * 2 * sizeof(float);
  tile_ = static_cast<float*>(std::align(kLine * sizeof(float), sizeof(float), memory, room));
}

// One that does not share a first-level cache with those of other columns: then many numbers of a column are looked up before the
// next column's turn. What is wrong with a page is said when it is read.
bool PartRows::has_large_dictionary() const {
  constexpr std::int32_t kLarge = 8 << 10;
  return std::any_of(part_.columns.begin(), part_.columns.end(), [](const PartColumn& leaf) {
    std::size_t used = 0;
    try {
      if (leaf.pages.empty()) return false;
      const PageHeader header = read_page_header(leaf.pages, used);
      return header.type == PageType::dictionary && header.uncompressed_page_size > kLarge;
    } catch (const Error&) {
      return false;
    }
  });
}

std::string PartRows::place(const TableColumn& column, std::size_t row) const {
  return fmt::format("{}, row {}, column {}", source_, part_.first_row + row, smtrain::quoted(column.name));
}

Missing PartRows::allowed_in(const TableColumn& column) const {
  return missing_ == Missing::features && column.role != Role::feature ? Missing::refused : missing_;
}

void PartRows::refuse(const TableColumn& column, std::size_t row, const std::string& what) const {
  throw user_error("{}: {} is not a finite number; the numeric algorithms have no missing values", place(column, row), what);
}

// Nulls are spread among the values from the back, in place.
std::size_t PartRows::read_entries(LeafReader& reader, float* out, std::size_t n, bool& nulls, bool& beyond) const {
  const LeafReader::Entries e = reader.read(n);
  if (e.count == 0) throw user_error("the column ends early");
  beyond |= to_float32(reader.type(), e.data, e.values, out);
  if (e.values == e.count) return e.count;
  nulls = true;
  std::size_t from = e.values;
  for (std::size_t i = e.count; i-- > 0;) {
    out[i] = e.definition[i] == reader.type().max_definition ? out[--from] : std::numeric_limits<float>::quiet_NaN();
  }
  return e.count;
}

namespace {

std::size_t rows_of(std::span<const DenseRun> runs) {
  std::size_t rows = 0;
  for (const DenseRun& run : runs) rows += run.rows;
  return rows;
}

// By their bits, which the compiler does many at a time.
bool all_finite(std::span<const float> numbers) {
  constexpr std::int32_t kSignless = 0x7fffffff, kInfinity = 0x7f800000;
  std::int32_t bad = 0;
  for (const float x : numbers) bad |= static_cast<std::int32_t>((std::bit_cast<std::int32_t>(x) & kSignless) >= kInfinity);
  return bad == 0;
}

// Columns k to k + 3 of a tile, four rows at a time, to one line of each row.
using Four = float __attribute__((vector_size(16)));

Four load4(const float* from) {
  Four four;
  std::memcpy(&four, from, sizeof four);
  return four;
}

void store4(float* to, const Four& four) { std::memcpy(to, &four, sizeof four); }

void transpose4(const float* from, std::size_t stride, float* to, std::size_t ld) {
  const Four a = load4(from), b = load4(from + stride), c = load4(from + 2 * stride), d = load4(from + 3 * stride);
  const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Four ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store4(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  store4(to + ld, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  store4(to + 2 * ld, __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5));
  store4(to + 3 * ld, __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7));
}

// rows x width numbers from columns that are `stride` apart to rows that are `ld` apart.
void transpose(const float* from, std::size_t stride, std::size_t rows, std::size_t width, float* to, std::size_t ld) {
  const std::size_t fours = width / 4 * 4, last = rows / 4 * 4;
  for (std::size_t i = 0; i < last; i += 4) {
    for (std::size_t k = 0; k < fours; k += 4) transpose4(from + k * stride + i, stride, to + i * ld + k, ld);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = i < last ? fours : 0; k < width; ++k) to[i * ld + k] = from[k * stride + i];
  }
}

}  // namespace

void PartRows::numbers(std::size_t index, std::size_t first, std::span<float> out) {
  State& state = columns_[index];
  const TableColumn& column = plan_.columns[index];
  LeafReader& reader = *state.reader;
  const bool checked = missing_ != Missing::passed_on && reader.type().kind() == Kind::number;
  bool nulls = false, beyond = false, bad = false;
  std::size_t done = 0;
  try {
    // The rows of the pages before the part's first count too.
    reader.skip(first - state.at + (state.at == 0 ? static_cast<std::size_t>(part_.columns[column.leaf].skip_rows) : 0));
    while (done < out.size()) {
      const std::size_t n = read_entries(reader, out.data() + done, out.size() - done, nulls, beyond);
      if (checked) bad |= !all_finite(out.subspan(done, n));
      done += n;
    }
    bad |= nulls;
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", place(column, first + done), e.what()));
  }
  state.at = first + out.size();
  if (beyond && !warned_integer_.exchange(true, std::memory_order_relaxed)) {
    log_.warning("{}: column {} holds integers beyond 2^24; they are rounded to float32", source_, smtrain::quoted(column.name));
  }
  if (bad && missing_ != Missing::passed_on) refuse_number(column, first, out, nulls);
}

void PartRows::refuse_number(const TableColumn& column, std::size_t first, std::span<const float> out, bool nulls) const {
  const Missing missing = allowed_in(column);
  const auto at = std::find_if(out.begin(), out.end(), [&](float x) { return !std::isfinite(x) && !may_be_feature(missing, x); });
  if (at == out.end()) return;
  refuse(column, first + static_cast<std::size_t>(at - out.begin()), nulls && std::isnan(*at) ? "null" : fmt::format("{}", *at));
}

PartRows::Entries PartRows::check_row(std::size_t index, std::size_t row) {
  const TableColumn& column = plan_.columns[index];
  std::vector<Column>& members = columns_[index].members;
  if (members.empty()) {
    for (std::size_t i = 0; i < (column.form == Form::vector ? 4u : 1u); ++i)
      members.push_back(read_column(part_, part_.columns[column.leaf + i], source_));
    const Column& values = members.back();
    if (values.lists.size() != 1 || !is_numeric(values.kind))
      throw user_error("{}: expected a list of numbers as in the first file", place(column, row));
  }
  const Lists& lists = members.back().lists[0];
  Entries e{lists.valid[row] == 0, column.form == Form::vector && members[0].integers[row] == 0, lists.begin(row), 0,
            lists.end(row) - lists.begin(row)};
  if (e.missing) {
    if (allowed_in(column) == Missing::refused) refuse(column, row, "null");
    if (plan_.schema.sparse) throw user_error("{}: null, which a sparse table has no place for", place(column, row));
    return e;
  }
  const std::int64_t width = e.sparse ? members[1].integers[row] : static_cast<std::int64_t>(e.count);
  if (width < 0 || static_cast<std::size_t>(width) != column.width) {
    throw user_error("{}: {} numbers, expected {} as in the first row", place(column, row), width, column.width);
  }
  if (e.sparse) {
    e.indices = members[2].lists[0].begin(row);
    check_indices(column, e, members[2], row);
  }
  return e;
}

void PartRows::check_indices(const TableColumn& column, const Entries& e, const Column& indices, std::size_t row) const {
  const std::size_t count = indices.lists[0].end(row) - e.indices;
  if (count != e.count) throw user_error("{}: {} indices and {} values", place(column, row), count, e.count);
  std::int64_t last = -1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t index = indices.integers[e.indices + i];
    if (index <= last || static_cast<std::size_t>(index) >= column.width) {
      throw user_error("{}: index {} after {}; expected ascending ones below {}", place(column, row), index, last, column.width);
    }
    last = index;
  }
}

float PartRows::value(std::size_t index, std::size_t i, std::size_t row) const {
  const Column& values = columns_[index].members.back();
  const auto x = static_cast<float>(values.number(i));
  if (!std::isfinite(x) && !may_be_feature(allowed_in(plan_.columns[index]), x))
    refuse(plan_.columns[index], row, values.valid[i] == 0 ? "null" : fmt::format("{}", x));
  return x;
}

void PartRows::fill_aside(std::size_t index, std::size_t first, std::span<const DenseRun> runs) {
  const TableColumn& column = plan_.columns[index];
  const float* from = tile(0);
  numbers(index, first, {tile(0), rows_of(runs)});
  for (const DenseRun& run : runs) {
    const std::size_t width = plan_.schema.label_width;
    if (column.role == Role::weight) std::copy_n(from, run.rows, run.weights);
    else
      for (std::size_t i = 0; i < run.rows; ++i) run.labels[i * width + column.place] = from[i];
    from += run.rows;
  }
}

void PartRows::fill_vector(std::size_t index, std::size_t first, std::span<const DenseRun> runs) {
  const TableColumn& column = plan_.columns[index];
  std::size_t row = first;
  for (const DenseRun& run : runs) {
    for (std::size_t i = 0; i < run.rows; ++i) {
      float* const to = run.values + i * run.ld;
      std::fill_n(to + column.place, column.width, 0.0f);
      entries(index, row++, [&](std::size_t at, float x) { to[at] = x; });
    }
  }
}

// Neighbouring columns, so that a row's line of the cache is written once.
void PartRows::fill_group(std::span<const std::size_t> group, std::size_t first, std::span<const DenseRun> runs) {
  const std::size_t place = plan_.columns[group.front()].place, rows = rows_of(runs);
  for (std::size_t k = 0; k < group.size(); ++k) numbers(group[k], first, {tile(k), rows});
  const float* from = tile(0);
  for (const DenseRun& run : runs) {
    transpose(from, tile_rows_ + kLine, run.rows, group.size(), run.values + place, run.ld);
    from += run.rows;
  }
}

void PartRows::fill(std::size_t first, std::span<const DenseRun> runs) {
  std::size_t group[kGroup], size = 0;
  const auto flush = [&] {
    if (size > 0) fill_group({group, size}, first, runs);
    size = 0;
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const TableColumn& column = plan_.columns[i];
    const bool joins = column.form == Form::number && column.role == Role::feature;
    if (size > 0 && (!joins || size == kGroup || column.place != plan_.columns[group[size - 1]].place + 1)) flush();
    if (joins) group[size++] = i;
    else if (column.form == Form::number) fill_aside(i, first, runs);
    else fill_vector(i, first, runs);
  }
  flush();
}

}  // namespace smtrain::formats::parquet
