#include "formats/parquet/schema.h"

#include <algorithm>

#include "base/error.h"

namespace smtrain::formats::parquet {
namespace {

constexpr int kDeepest = 24;

// Readers take a meaning at its word: one that its type cannot hold is none.
bool goes_with(Meaning meaning, PhysicalType type, std::int32_t length) {
  const bool integer = type == PhysicalType::int32 || type == PhysicalType::int64;
  const bool bytes = type == PhysicalType::byte_array || type == PhysicalType::fixed_len_byte_array;
  switch (meaning) {
    case Meaning::decimal: return integer || bytes;
    case Meaning::date:
    case Meaning::time:
    case Meaning::timestamp:
    case Meaning::integer:
    case Meaning::unsigned_integer: return integer;
    case Meaning::float16: return type == PhysicalType::fixed_len_byte_array && length == 2;
    default: return true;
  }
}

// Walks the elements, which stand depth first.
class Builder {
 public:
  explicit Builder(const std::vector<SchemaElement>& elements) : elements_(elements) {}

  Schema build() {
    if (elements_.empty()) throw user_error("the schema is empty");
    const std::int32_t roots = elements_[at_++].num_children;
    for (std::int32_t i = 0; i < roots; ++i) {
      if (at_ >= elements_.size()) fail_end();
      Root root{elements_[at_].name, schema_.leaves.size(), 0};
      node({}, LeafType{}, NameRule::own, 0);
      root.leaves = schema_.leaves.size() - root.first_leaf;
      schema_.roots.push_back(std::move(root));
    }
    return std::move(schema_);
  }

 private:
  enum class NameRule { own, none };  // whether the node's name becomes part of its leaves' names

  [[noreturn]] static void fail_end() { throw user_error("the schema is damaged: it ends early"); }

  void node(const std::string& above, LeafType levels, NameRule rule, int depth) {
    if (depth > kDeepest) throw user_error("the schema nests deeper than {} levels", kDeepest);
    if (at_ >= elements_.size()) fail_end();
    const SchemaElement& e = elements_[at_++];
    const std::string name = rule == NameRule::none ? above : above.empty() ? e.name : above + '.' + e.name;
    if (e.repetition != Repetition::required) ++levels.max_definition;
    if (e.repetition == Repetition::repeated) {
      if (levels.max_repetition == LeafType::kMaxLists)
        throw user_error("column {}: lists deeper than {} levels", name, LeafType::kMaxLists);
      levels.entry_levels[levels.max_repetition++] = levels.max_definition;
    }
    if (e.type) return leaf(e, name, levels);
    for (std::int32_t i = 0; i < e.num_children; ++i) {
      if (at_ >= elements_.size()) fail_end();
      node(name, levels, child_rule(e, rule), depth + 1);
    }
  }

  // A list is a group around a repeated group around its elements; the older way is the repeated element alone.
  NameRule child_rule(const SchemaElement& parent, NameRule rule) const {
    const bool list = parent.meaning == Meaning::list && parent.num_children == 1;
    const bool wrapper = rule == NameRule::none && parent.repetition == Repetition::repeated && parent.num_children == 1;
    return list || wrapper ? NameRule::none : NameRule::own;
  }

  void leaf(const SchemaElement& e, const std::string& name, LeafType type) {
    type.type = *e.type;
    type.meaning = goes_with(e.meaning, *e.type, e.type_length) ? e.meaning : Meaning::none;
    type.unit = e.unit;
    type.type_length = e.type_length;
    type.scale = e.scale;
    if (type.type == PhysicalType::fixed_len_byte_array && type.type_length < 1) {
      throw user_error("column {}: values of {} bytes", name, type.type_length);
    }
    schema_.leaves.push_back({name, schema_.roots.size(), type});
  }

  const std::vector<SchemaElement>& elements_;
  std::size_t at_ = 0;
  Schema schema_;
};

}  // namespace

const char* words_for(Kind kind) {
  constexpr const char* kWords[] = {"a boolean", "an integer",  "a number", "text",
                                    "binary",    "a timestamp", "a date",   "a time of day"};
  return kWords[static_cast<std::size_t>(kind)];
}

Kind LeafType::kind() const {
  switch (meaning) {
    case Meaning::decimal:
    case Meaning::float16: return Kind::number;
    case Meaning::date: return Kind::date;
    case Meaning::time: return Kind::time;
    case Meaning::timestamp: return Kind::timestamp;
    default: break;
  }
  switch (type) {
    case PhysicalType::boolean: return Kind::boolean;
    case PhysicalType::int32: return Kind::integer;
    case PhysicalType::int64: return meaning == Meaning::unsigned_integer ? Kind::number : Kind::integer;
    case PhysicalType::int96: return Kind::timestamp;
    case PhysicalType::float32:
    case PhysicalType::float64: return Kind::number;
    default: break;
  }
  const bool text = meaning == Meaning::text || meaning == Meaning::enumeration || meaning == Meaning::json;
  return text ? Kind::text : Kind::binary;
}

Schema make_schema(const std::vector<SchemaElement>& elements) { return Builder(elements).build(); }

}  // namespace smtrain::formats::parquet
