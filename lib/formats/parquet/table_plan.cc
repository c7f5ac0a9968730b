#include "formats/parquet/table_plan.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/convert.h"
#include "formats/tensor_rules.h"

namespace smtrain::formats::parquet {
namespace {

using Form = TableColumn::Form;
using Role = TableColumn::Role;

// Names of more features than this are of no use to anybody.
constexpr std::size_t kMostNames = 65536;

bool begins_vector(const std::vector<PartColumn>& leaves, std::size_t at) {
  constexpr const char* kMembers[] = {".type", ".size", ".indices", ".values"};
  if (leaves.size() - at < 4 || !leaves[at].name.ends_with(kMembers[0])) return false;
  const std::string_view base = leaves[at].name.substr(0, leaves[at].name.size() - std::string_view(kMembers[0]).size());
  for (std::size_t i = 0; i < 4; ++i) {
    const PartColumn& leaf = leaves[at + i];
    const bool list = i >= 2;
    if (leaf.name != std::string(base) + kMembers[i] || leaf.type.max_repetition != (list ? 1 : 0)) return false;
    if (leaf.type.kind() != (i == 3 ? Kind::number : Kind::integer)) return false;
  }
  return true;
}

std::vector<TableColumn> find_columns(const std::vector<PartColumn>& leaves) {
  std::vector<TableColumn> columns;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    TableColumn& column = columns.emplace_back();
    column.name = leaves[i].name;
    column.leaf = i;
    if (begins_vector(leaves, i)) {
      column.name.resize(column.name.size() - std::string_view(".type").size());
      column.form = Form::vector;
      i += 3;
    } else if (leaves[i].type.max_repetition > 0) {
      column.form = Form::list;
    }
  }
  return columns;
}

// All that is wrong with the types, since whoever writes the file anew wants to do it once.
void check_types(const std::vector<TableColumn>& columns, const std::vector<PartColumn>& leaves, const std::string& source) {
  std::string wrong;
  for (const TableColumn& column : columns) {
    const LeafType& type = leaves[column.leaf].type;
    const bool deep = type.max_repetition > 1;
    if (column.form == Form::vector || (is_numeric(type.kind()) && !deep)) continue;
    const std::string what =
        deep ? "lists of lists" : fmt::format("{}{}", column.form == Form::list ? "a list of " : "", words_for(type.kind()));
    wrong += fmt::format("{}{} is {}", wrong.empty() ? "" : ", ", smtrain::quoted(column.name), what);
  }
  if (wrong.empty()) return;
  throw user_error(
      "{}: a table has numbers alone, but column {}; leave such columns out when the file is written, or encode texts: smtrain convert "
      "IN OUT --one-hot all (--drop COLUMN leaves one out)",
      source, wrong);
}

std::optional<long> as_integer(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Settler {
 public:
  Settler(const Part& part, const TableOptions& options, const std::string& source, Log& log)
      : part_(part), options_(options), source_(source), log_(log) {}

  TablePlan settle() {
    plan_.columns = find_columns(part_.columns);
    check_types(plan_.columns, part_.columns, source_);
    for (const TableColumn& column : plan_.columns) names_.push_back(column.name);
    choose_labels();
    choose_weights();
    for (TableColumn& column : plan_.columns) measure(column);
    place();
    name_features();
    return std::move(plan_);
  }

 private:
  std::vector<TableColumn>& columns() { return plan_.columns; }

  std::size_t column_of(const std::string& label) const {
    const auto found = std::find(names_.begin(), names_.end(), label);
    if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
    const std::optional<long> index = as_integer(label);
    const long count = static_cast<long>(names_.size());
    if (!index) throw user_error("{}: no column is named {}{}", source_, smtrain::quoted(label), did_you_mean(label, names_));
    if (*index >= count || *index < -count) {
      throw user_error("{}: label={}, but there are {} columns; expected 0 to {}, or -1 to -{} from the end", source_, *index,
                       count, count - 1, count);
    }
    return static_cast<std::size_t>(*index < 0 ? *index + count : *index);
  }

  void make_label(std::size_t index) {
    TableColumn& column = columns()[index];
    if (column.form != Form::number)
      throw user_error("{}: the label {} is a list; expected a column of numbers", source_, smtrain::quoted(column.name));
    if (column.role == Role::label) throw user_error("{}: label {} is given twice", source_, smtrain::quoted(column.name));
    column.role = Role::label;
    column.place = plan_.schema.label_width++;
  }

  void choose_labels() {
    const auto size = options_.type.integer("label_size");
    if (size && *size < 0) throw user_error("content type parameter label_size={}: expected 0 or more", *size);
    if (const auto names = options_.type.text("label")) {
      for (const std::string_view name : split(*names, ',')) make_label(column_of(std::string(trim(name))));
      if (size && static_cast<std::size_t>(*size) != plan_.schema.label_width) {
        throw user_error("content type {}: label names {} columns, label_size says {}",
                         smtrain::quoted(options_.type.to_string()), plan_.schema.label_width, *size);
      }
      return;
    }
    const auto spark = std::find(names_.begin(), names_.end(), "label");
    const bool lists =
        std::any_of(columns().begin(), columns().end(), [](const TableColumn& c) { return c.form != Form::number; });
    if (!size && lists && spark != names_.end()) return make_label(static_cast<std::size_t>(spark - names_.begin()));
    const std::size_t count = size ? static_cast<std::size_t>(*size) : assumed_labels(lists);
    if (count >= names_.size())
      throw user_error("{}: {} columns and label_size is {}: no feature column is left", source_, names_.size(), count);
    for (std::size_t i = 0; i < count; ++i) make_label(i);
  }

  std::size_t assumed_labels(bool lists) {
    if (options_.supervised) return 1;
    if (lists || options_.feature_dim == 0 || options_.feature_dim + 1 != names_.size()) return 0;
    log_.warning(
        "content type {} does not say label_size; {} columns, feature_dim {}: assumed label_size=1 (the first column is a label)",
        options_.type.to_string(), names_.size(), options_.feature_dim);
    return 1;
  }

  void choose_weights() {
    if (!options_.type.boolean("weights").value_or(false)) return;
    const auto found =
        std::find_if(columns().begin(), columns().end(), [](const TableColumn& c) { return c.role == Role::feature; });
    if (found == columns().end() || found->form != Form::number)
      throw user_error("{}: weights=1, but the column behind the labels is none of numbers", source_);
    found->role = Role::weight;
    plan_.schema.weights = true;
  }

  // The first row that is not null tells.
  void measure(TableColumn& column) {
    if (column.form == Form::number) return;
    constexpr std::size_t kRows = 1000;
    Part some = part_;
    some.rows = std::min(some.rows, kRows);
    const auto read = [&](std::size_t member) { return read_column(some, part_.columns[column.leaf + member], source_); };
    const Column values = read(column.form == Form::vector ? 3 : 0);
    const Lists& lists = values.lists[0];
    const auto row = static_cast<std::size_t>(std::find(lists.valid.begin(), lists.valid.end(), 1) - lists.valid.begin());
    if (row == some.rows)
      throw user_error("{}: column {}: no row up to {} has a value, so its width is not known", source_,
                       smtrain::quoted(column.name), row);
    std::int64_t width = static_cast<std::int64_t>(lists.end(row) - lists.begin(row));
    if (column.form == Form::vector && read(0).integers[row] == 0) {
      width = read(1).integers[row];
      plan_.schema.sparse = true;
    }
    if (width < 1 || static_cast<std::uint64_t>(width) > kMaxFeatureDim) {
      throw user_error("{}: row {}, column {}: a vector of {} numbers; expected 1 to {}", source_, part_.first_row + row,
                       smtrain::quoted(column.name), width, kMaxFeatureDim);
    }
    column.width = static_cast<std::size_t>(width);
  }

  void place() {
    std::size_t width = 0;
    for (TableColumn& column : columns()) {
      if (column.role != Role::feature) continue;
      column.place = width;
      width += column.width;
    }
    if (width == 0) throw user_error("{}: {} columns, none of them a feature", source_, names_.size());
    if (width > kMaxFeatureDim) throw user_error("{}: {} features, expected at most {}", source_, width, kMaxFeatureDim);
    if (options_.feature_dim != 0 && options_.feature_dim != width) {
      throw user_error("{}: {} features; feature_dim says {} (is the label column counted? there {} {} label{})", source_, width,
                       options_.feature_dim, plan_.schema.label_width == 1 ? "is" : "are", plan_.schema.label_width,
                       plan_.schema.label_width == 1 ? "" : "s");
    }
    plan_.schema.feature_dim = width;
  }

  void name_features() {
    if (plan_.schema.feature_dim > kMostNames) return;
    for (const TableColumn& column : columns()) {
      if (column.role != Role::feature) continue;
      if (column.form == Form::number) plan_.schema.column_names.push_back(column.name);
      else
        for (std::size_t i = 0; i < column.width; ++i) plan_.schema.column_names.push_back(fmt::format("{}[{}]", column.name, i));
    }
  }

  const Part& part_;
  const TableOptions& options_;
  const std::string& source_;
  Log& log_;
  TablePlan plan_;
  std::vector<std::string> names_;
};

}  // namespace

TablePlan make_table_plan(const Part& first, const TableOptions& options, const std::string& source, Log& log) {
  return Settler(first, options, source, log).settle();
}

}  // namespace smtrain::formats::parquet
