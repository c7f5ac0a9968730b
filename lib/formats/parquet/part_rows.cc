#include "formats/parquet/part_rows.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/convert.h"

namespace smtrain::formats::parquet {

using Form = TableColumn::Form;
using Role = TableColumn::Role;

PartRows::PartRows(const TablePlan& plan, const Part& part, const std::string& source, bool allow_missing,
                   std::atomic<bool>& warned_integer, Log& log)
    : plan_(plan),
      part_(part),
      source_(source),
      allow_missing_(allow_missing),
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
}

std::string PartRows::place(const TableColumn& column, std::size_t row) const {
  return fmt::format("{}, row {}, column {}", source_, part_.first_row + row, smtrain::quoted(column.name));
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

void PartRows::numbers(std::size_t index, std::size_t first, std::span<float> out) {
  State& state = columns_[index];
  const TableColumn& column = plan_.columns[index];
  LeafReader& reader = *state.reader;
  bool nulls = false, beyond = false;
  std::size_t done = 0;
  try {
    // The rows of the pages before the part's first count too.
    reader.skip(first - state.at + (state.at == 0 ? static_cast<std::size_t>(part_.columns[column.leaf].skip_rows) : 0));
    while (done < out.size()) done += read_entries(reader, out.data() + done, out.size() - done, nulls, beyond);
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", place(column, first + done), e.what()));
  }
  state.at = first + out.size();
  if (beyond && !warned_integer_.exchange(true, std::memory_order_relaxed)) {
    log_.warning("{}: column {} holds integers beyond 2^24; they are rounded to float32", source_, smtrain::quoted(column.name));
  }
  if (!allow_missing_ && (nulls || reader.type().kind() == Kind::number)) check_finite(column, first, out, nulls);
}

void PartRows::check_finite(const TableColumn& column, std::size_t first, std::span<const float> out, bool nulls) const {
  bool bad = false;
  for (const float x : out) bad |= !(std::abs(x) <= std::numeric_limits<float>::max());
  if (!bad) return;
  const auto at = std::find_if(out.begin(), out.end(), [](float x) { return !std::isfinite(x); });
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
    if (!allow_missing_) refuse(column, row, "null");
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
  if (!std::isfinite(x) && !allow_missing_)
    refuse(plan_.columns[index], row, values.valid[i] == 0 ? "null" : fmt::format("{}", x));
  return x;
}

void PartRows::fill_aside(std::size_t index, std::size_t first, std::span<const Target> rows) {
  numbers(index, first, {tile_[0], rows.size()});
  const TableColumn& column = plan_.columns[index];
  for (std::size_t i = 0; i < rows.size(); ++i)
    (column.role == Role::weight ? *rows[i].weight : rows[i].labels[column.place]) = tile_[0][i];
}

void PartRows::fill_vector(std::size_t index, std::size_t first, std::span<const Target> rows) {
  const TableColumn& column = plan_.columns[index];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    float* const to = rows[i].values;
    std::fill_n(to + column.place, column.width, 0.0f);
    entries(index, first + i, [&](std::size_t at, float x) { to[at] = x; });
  }
}

// Neighbouring columns, so that a row's line of the cache is written once.
void PartRows::fill_group(std::span<const std::size_t> group, std::size_t first, std::span<const Target> rows) {
  for (std::size_t k = 0; k < group.size(); ++k) numbers(group[k], first, {tile_[k], rows.size()});
  const std::size_t place = plan_.columns[group.front()].place;
  if (group.size() == kGroup) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float* const to = rows[i].values + place;
      for (std::size_t k = 0; k < kGroup; ++k) to[k] = tile_[k][i];
    }
    return;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < group.size(); ++k) rows[i].values[place + k] = tile_[k][i];
  }
}

void PartRows::fill(std::size_t first, std::span<const Target> rows) {
  std::size_t group[kGroup], size = 0;
  const auto flush = [&] {
    if (size > 0) fill_group({group, size}, first, rows);
    size = 0;
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const TableColumn& column = plan_.columns[i];
    const bool joins = column.form == Form::number && column.role == Role::feature;
    if (size > 0 && (!joins || size == kGroup || column.place != plan_.columns[group[size - 1]].place + 1)) flush();
    if (joins) group[size++] = i;
    else if (column.form == Form::number) fill_aside(i, first, rows);
    else fill_vector(i, first, rows);
  }
  flush();
}

}  // namespace smtrain::formats::parquet
