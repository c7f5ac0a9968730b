#include "algos/xgboost/model_check.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

using nlohmann::json;

// What a check throws inside; becomes an Error with the model's name.
struct Damage {
  std::string what;
};

template <class... A>
[[noreturn]] void damaged(fmt::format_string<A...> format, A&&... args) {
  throw Damage{fmt::format(format, std::forward<A>(args)...)};
}

// ---- trees, in whatever form they come ------------------------------------------------------------------------------------

struct Nodes {
  std::vector<std::int64_t> left, right, feature, parent;  // of a leaf, left and right are -1
};

constexpr std::int64_t kNoParent = 0x7fffffff;

// From the root every node is met once.
void check_tree(const Nodes& nodes, std::int64_t features, std::size_t tree) {
  const auto n = static_cast<std::int64_t>(nodes.left.size());
  std::vector<bool> met(nodes.left.size());
  std::vector<std::pair<std::int64_t, std::int64_t>> open{{0, kNoParent}};  // nodes and the ones they are reached from
  while (!open.empty()) {
    const auto [at, from] = open.back();
    open.pop_back();
    if (at < 0 || at >= n) damaged("tree {}: a node leads to node {} of {}", tree, at, n);
    const auto i = static_cast<std::size_t>(at);
    if (met[i]) damaged("tree {}: two ways lead to node {}", tree, at);
    met[i] = true;
    if (nodes.parent[i] != from) damaged("tree {}: node {} is reached from another node than it says", tree, at);
    if (nodes.left[i] == -1) continue;
    if (nodes.feature[i] < 0 || nodes.feature[i] >= features) damaged("tree {}: node {} splits feature {} of {}", tree, at, nodes.feature[i], features);
    open.emplace_back(nodes.left[i], at);
    open.emplace_back(nodes.right[i], at);
  }
  for (std::size_t i = 0; i < met.size(); ++i) {  // what was pruned
    if (!met[i] && nodes.parent[i] != kNoParent && (nodes.parent[i] < 0 || nodes.parent[i] >= n)) damaged("tree {}: node {} has no parent", tree, i);
  }
}

// ---- JSON and UBJSON --------------------------------------------------------------------------------------------------------

const json& member(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) damaged("{} is missing", key);
  return object[key];
}

std::int64_t integer(const json& value, const char* what) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  std::int64_t number = 0;
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  damaged("{} is no whole number", what);
}

const json& array_of(const json& object, const char* key, std::size_t size) {
  const json& array = member(object, key);
  if (!array.is_array() || array.size() != size) damaged("{} has {} elements; expected {}", key, array.size(), size);
  for (const json& element : array) {
    if (!element.is_number() && !element.is_boolean()) damaged("{} holds something else than numbers", key);
  }
  return array;
}

std::vector<std::int64_t> integers(const json& object, const char* key, std::size_t size) {
  std::vector<std::int64_t> all;
  for (const json& element : array_of(object, key, size)) {
    if (!element.is_number_integer()) damaged("{} holds something else than whole numbers", key);
    all.push_back(element.get<std::int64_t>());
  }
  return all;
}

void check_categories(const json& tree, std::size_t at) {
  const json& types = member(tree, "split_type");
  const bool plain = std::all_of(types.begin(), types.end(), [](const json& t) { return t.is_number() && t.get<std::int64_t>() == 0; });
  const std::size_t splits = member(tree, "categories_nodes").size(), all = member(tree, "categories").size();
  const auto starts = integers(tree, "categories_segments", splits), sizes = integers(tree, "categories_sizes", splits);
  const auto nodes = integers(tree, "categories_nodes", splits);
  if (plain && splits > 0) damaged("tree {}: categories without a split that has them", at);
  for (std::size_t i = 0; i < splits; ++i) {
    const bool fits = starts[i] >= 0 && sizes[i] >= 0 && static_cast<std::uint64_t>(starts[i]) <= all &&
                      static_cast<std::uint64_t>(sizes[i]) <= all - static_cast<std::uint64_t>(starts[i]);
    if (!fits || nodes[i] < 0 || static_cast<std::size_t>(nodes[i]) >= types.size()) damaged("tree {}: categories beyond their list", at);
  }
}

void check_json_tree(const json& tree, std::int64_t features, std::size_t at) {
  const std::int64_t n = integer(member(member(tree, "tree_param"), "num_nodes"), "num_nodes");
  const std::size_t size = member(tree, "left_children").size();
  if (n <= 0 || static_cast<std::size_t>(n) != size) damaged("tree {}: {} nodes, and arrays of {}", at, n, size);
  for (const char* key : {"base_weights", "default_left", "loss_changes", "split_conditions", "sum_hessian"}) array_of(tree, key, size);
  if (tree.contains("split_type")) {
    array_of(tree, "split_type", size);
    check_categories(tree, at);
  }
  check_tree({integers(tree, "left_children", size), integers(tree, "right_children", size), integers(tree, "split_indices", size),
              integers(tree, "parents", size)},
             features, at);
}

void check_json_trees(const json& model, std::int64_t features, std::int64_t groups) {
  const json& trees = member(model, "trees");
  const json& param = member(model, "gbtree_model_param");
  const std::int64_t n = integer(member(param, "num_trees"), "num_trees");
  if (param.contains("num_parallel_tree") && integer(param["num_parallel_tree"], "num_parallel_tree") < 1) damaged("no tree makes a round");
  if (!trees.is_array() || n < 0 || trees.size() != static_cast<std::size_t>(n)) damaged("{} trees, and a list of {}", n, trees.size());
  for (const std::int64_t group : integers(model, "tree_info", trees.size())) {
    if (group < 0 || group >= groups) damaged("a tree belongs to class {} of {}", group, groups);
  }
  for (std::size_t i = 0; i < trees.size(); ++i) check_json_tree(trees[i], features, i);
}

void check_json(const json& model) {
  if (model.is_discarded()) damaged("it ends too early, or is garbled");
  const json& learner = member(model, "learner");
  const json& param = member(learner, "learner_model_param");
  const std::int64_t features = integer(member(param, "num_feature"), "num_feature");
  const std::int64_t groups = std::max<std::int64_t>(integer(member(param, "num_class"), "num_class"), 1) *
                              (param.contains("num_target") ? std::max<std::int64_t>(integer(param["num_target"], "num_target"), 1) : 1);
  if (features < 0 || features > std::numeric_limits<std::int32_t>::max()) damaged("num_feature is {}", features);
  if (groups > 1'000'000) damaged("there are {} classes", groups);
  const json& booster = member(learner, "gradient_booster");
  const json& name = member(booster, "name");
  if (name == "gblinear") {
    array_of(member(booster, "model"), "weights", static_cast<std::size_t>((features + 1) * groups));
  } else if (name == "dart") {
    const json& trees = member(member(booster, "gbtree"), "model");
    check_json_trees(trees, features, groups);
    array_of(booster, "weight_drop", trees["trees"].size());
  } else if (name == "gbtree") {
    check_json_trees(member(booster, "model"), features, groups);
  } else {
    damaged("the booster is none of gbtree, dart and gblinear");
  }
}

// ---- the old binary form ------------------------------------------------------------------------------------------------------
//
// The learner's numbers (136 bytes: base_score, features, classes, ...), objective and booster as length (8 bytes) and text; then of
// trees 160 bytes that begin with their number, each tree 148 bytes (..., nodes, ..., features, ...), its nodes (parent, left, right,
// feature and default, value: 20 bytes each) and their statistics (16 each); the class of each tree; of dart its weights. Then
// attributes and metrics.

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) damaged("it ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view text() { return take(count()); }
  std::uint64_t count() { return number<std::uint64_t>(take(8), 0); }
  template <class T>
  static T number(std::string_view bytes, std::size_t at) {
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  }

 private:
  std::string_view rest_;
};

void check_binary_tree(Reader& reader, std::int64_t features, std::size_t at) {
  const auto n = Reader::number<std::int32_t>(reader.take(148), 4);
  if (n <= 0) damaged("tree {} has {} nodes", at, n);
  const std::string_view bytes = reader.take(std::uint64_t{20} * static_cast<std::uint64_t>(n));
  reader.take(std::uint64_t{16} * static_cast<std::uint64_t>(n));
  Nodes nodes;
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    nodes.parent.push_back(Reader::number<std::uint32_t>(bytes, 20 * i) & 0x7fffffffU);  // the first bit: a left child
    nodes.left.push_back(Reader::number<std::int32_t>(bytes, 20 * i + 4));
    nodes.right.push_back(Reader::number<std::int32_t>(bytes, 20 * i + 8));
    nodes.feature.push_back(Reader::number<std::uint32_t>(bytes, 20 * i + 12) & 0x7fffffffU);
  }
  check_tree(nodes, features, at);
}

void check_binary_weights(Reader& reader, std::int64_t features, std::int64_t groups) {
  reader.take(136);
  const std::uint64_t n = reader.count(), expected = static_cast<std::uint64_t>((features + 1) * groups);
  if (n != expected) damaged("{} weights; expected {}", n, expected);
  reader.take(4 * n);
}

void check_binary_trees(Reader& reader, std::int64_t features, std::int64_t groups, bool dart) {
  const std::string_view param = reader.take(160);
  const auto trees = Reader::number<std::int32_t>(param, 0);
  if (trees < 0) damaged("it has {} trees", trees);
  if (Reader::number<std::int32_t>(param, 4) < 1) damaged("no tree makes a round");
  for (std::int32_t i = 0; i < trees; ++i) check_binary_tree(reader, features, static_cast<std::size_t>(i));
  const std::string_view classes = reader.take(std::uint64_t{4} * static_cast<std::uint64_t>(trees));
  for (std::size_t i = 0; i < static_cast<std::size_t>(trees); ++i) {
    const auto group = Reader::number<std::int32_t>(classes, 4 * i);
    if (group < 0 || group >= groups) damaged("a tree belongs to class {} of {}", group, groups);
  }
  if (!dart || trees == 0) return;
  if (reader.count() != static_cast<std::uint64_t>(trees)) damaged("the weights of the trees are not as many as these");
  reader.take(std::uint64_t{4} * static_cast<std::uint64_t>(trees));
}

void check_binary(std::string_view bytes) {
  if (bytes.starts_with("bs64")) damaged("it is text in base 64, of a console; decode it first");
  if (bytes.starts_with("binf")) bytes.remove_prefix(4);
  Reader reader(bytes);
  const std::string_view learner = reader.take(136);
  const auto features = static_cast<std::int64_t>(Reader::number<std::uint32_t>(learner, 4));
  // Classes, and from 1.7 on targets.
  const auto groups = std::max<std::int64_t>(Reader::number<std::int32_t>(learner, 8), 1) *
                      std::max<std::int64_t>(Reader::number<std::uint32_t>(learner, 28), 1);
  if (groups > 1'000'000) damaged("there are {} classes", groups);
  reader.text();  // objective
  const std::string_view booster = reader.text();
  if (booster == "gblinear") check_binary_weights(reader, features, groups);
  else if (booster == "gbtree" || booster == "dart") check_binary_trees(reader, features, groups, booster == "dart");
  else damaged("the booster is none of gbtree, dart and gblinear");
  // Attributes, names and texts, and metrics, where the learner's numbers say that there are.
  if (Reader::number<std::int32_t>(learner, 12) != 0) {
    for (std::uint64_t n = 2 * std::min(reader.count(), bytes.size()); n > 0; --n) reader.text();
  }
  if (Reader::number<std::int32_t>(learner, 16) != 0) {
    for (std::uint64_t n = std::min(reader.count(), bytes.size()); n > 0; --n) reader.text();
  }
}

void check(std::string_view bytes) {
  switch (kind_of(bytes)) {
    case ModelKind::json: return check_json(json::parse(bytes, nullptr, /*allow_exceptions=*/false));
    case ModelKind::ubjson: return check_json(json::from_ubjson(bytes, /*strict=*/true, /*allow_exceptions=*/false));
    case ModelKind::binary: return check_binary(bytes);
    case ModelKind::pickle:
    case ModelKind::unknown: break;
  }
  damaged("its first bytes are those of no model of XGBoost");
}

}  // namespace

void check_model(std::string_view bytes, const std::string& name) {
  try {
    check(bytes);
  } catch (const Damage& damage) {
    throw user_error("{}: is no whole model of XGBoost: {}", name, damage.what);
  } catch (const json::exception&) {  // of sizes that no memory holds it throws all the same
    throw user_error("{}: is no whole model of XGBoost: it is garbled", name);
  }
}

}  // namespace smtrain::xgboost
