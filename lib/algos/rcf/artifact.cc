#include "algos/rcf/artifact.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "algos/rcf/params.h"
#include "base/error.h"
#include "base/text.h"
#include "formats/archive/zip.h"
#include "formats/matrix/npy_header.h"

namespace smtrain::rcf {
namespace {

using formats::NpyType;
using nlohmann::json;
using Members = std::map<std::string, std::string>;

constexpr std::uint64_t kLimit = std::uint64_t{64} << 30;
constexpr const char* kJson = "forest.json";
constexpr const char* kGenerator = "philox4x32-10";
constexpr std::size_t kMostTrees = 100'000;

template <class T>
constexpr NpyType kType = NpyType::f4;
template <>
constexpr NpyType kType<std::int32_t> = NpyType::i4;
template <>
constexpr NpyType kType<std::int64_t> = NpyType::i8;

[[noreturn]] void damaged(std::string_view array, const std::string& what) {
  throw user_error("{}: {}: {}; the model is damaged", kMember, array, what);
}

// ---- out

template <class T>
std::string npy(const std::vector<T>& numbers, std::uint64_t rows, std::uint64_t cols) {
  std::string bytes = formats::npy_header(kType<T>, rows, cols);
  const std::size_t header = bytes.size();
  bytes.resize(header + numbers.size() * sizeof(T));
  if (!numbers.empty()) std::memcpy(bytes.data() + header, numbers.data(), numbers.size() * sizeof(T));
  return bytes;
}

template <class T>
std::string npy(const std::vector<T>& numbers) {
  return npy(numbers, numbers.size(), 0);
}

template <class T>
std::vector<T> joined(const Forest& forest, std::vector<T> Tree::*array) {
  std::vector<T> all;
  for (const Tree& tree : forest.trees) all.insert(all.end(), (tree.*array).begin(), (tree.*array).end());
  return all;
}

std::string json_of(const RcfModel& model) {
  std::uint64_t in_forest = 0;
  for (const Tree& tree : model.forest.trees) in_forest += static_cast<std::uint64_t>(tree.mass[0]);
  return json{{"format_version", 1},
              {"algorithm", "rcf"},
              {"num_trees", model.forest.trees.size()},
              {"num_samples_per_tree", model.num_samples_per_tree},
              {"num_samples_in_forest", in_forest},
              {"total_rows_seen", model.rows_seen},
              {"feature_dim", model.feature_dim},
              {"shingle", model.shingle},
              {"seed", model.seed},
              {"generator", kGenerator},
              {"train_score_mean", model.stats.mean},
              {"train_score_deviation", model.stats.deviation},
              {"train_score_cutoff", model.stats.cutoff()}}
             .dump(1) + "\n";
}

// ---- in

template <class T>
std::vector<T> array(const Members& members, const std::string& name, std::uint64_t rows, std::uint64_t cols = 1) {
  const auto found = members.find(name);
  if (found == members.end()) throw user_error("{}: has no member {}; not a random cut forest of smtrain", kMember, name);
  const std::string& bytes = found->second;
  std::optional<formats::NpyHeader> header;
  try {
    header = formats::read_npy_header(bytes);
  } catch (const Error& error) {
    throw user_error("{}: {}: {}", kMember, name, error.what());
  }
  if (!header) damaged(name, "ends within its header");
  if (header->type != kType<T> || (header->fortran_order && header->cols != 1)) {
    damaged(name, fmt::format("holds {} numbers; expected {} in C order", formats::name_of(header->type), formats::name_of(kType<T>)));
  }
  if (header->rows != rows || header->cols != cols) {
    damaged(name, fmt::format("has {} x {} numbers; expected {} x {}", header->rows, header->cols, rows, cols));
  }
  if (bytes.size() - header->bytes != rows * cols * sizeof(T)) {
    damaged(name, fmt::format("has {} bytes of numbers; expected {}", bytes.size() - header->bytes, rows * cols * sizeof(T)));
  }
  std::vector<T> numbers(static_cast<std::size_t>(rows * cols));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data() + header->bytes, numbers.size() * sizeof(T));
  return numbers;
}

// The number of rows that the header of an array states, before there is anything to compare it with.
std::uint64_t rows_of(const Members& members, const std::string& name) {
  const auto found = members.find(name);
  if (found == members.end()) throw user_error("{}: has no member {}; not a random cut forest of smtrain", kMember, name);
  try {
    const auto header = formats::read_npy_header(found->second);
    if (header) return header->rows;
  } catch (const Error& error) {
    throw user_error("{}: {}: {}", kMember, name, error.what());
  }
  damaged(name, "ends within its header");
}

void check_finite(const std::vector<float>& numbers, const char* name) {
  const bool finite = std::all_of(numbers.begin(), numbers.end(), [](float v) { return std::isfinite(v); });
  if (!finite) damaged(name, "holds numbers that are not finite");
}

std::uint64_t whole(const json& facts, const char* key, std::uint64_t least, std::uint64_t most) {
  const auto found = facts.find(key);
  if (found == facts.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() < least || found->get<std::uint64_t>() > most) {
    const std::string is = found == facts.end() ? "absent" : found->dump();
    damaged(kJson, fmt::format("{} is {}; expected a whole number from {} to {}", key, is, least, most));
  }
  return found->get<std::uint64_t>();
}

double number(const json& facts, const char* key) {
  const auto found = facts.find(key);
  if (found == facts.end() || !found->is_number()) damaged(kJson, fmt::format("{} is no number", key));
  return found->get<double>();
}

// Preorder: behind an inner node comes its left child, behind a leaf the right child of the last node that has none yet.
void check_order(const Tree& tree, std::size_t number) {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < tree.nodes(); ++i) {
    if (i > 0 && tree.is_leaf(i - 1)) {
      if (open.empty() || tree.right_child[open.back()] != static_cast<std::int32_t>(i)) {
        damaged("right_child.npy", fmt::format("tree {}: node {} is nobody's right child", number, i));
      }
      open.pop_back();
    }
    if (!tree.is_leaf(i)) open.push_back(i);
    else if (tree.right_child[i] != -1) damaged("right_child.npy", fmt::format("tree {}: leaf {} has a child", number, i));
  }
  if (!open.empty() || !tree.is_leaf(tree.nodes() - 1)) {
    damaged("right_child.npy", fmt::format("tree {} has inner nodes without children", number));
  }
}

void check_nodes(const Forest& forest, const Tree& tree, std::size_t number) {
  for (std::size_t i = 0; i < tree.nodes(); ++i) {
    const bool leaf = tree.cut_dim[i] == -1;
    if (tree.cut_dim[i] < -1 || tree.cut_dim[i] >= static_cast<std::int32_t>(forest.d)) {
      damaged("cut_dim.npy", fmt::format("tree {}: node {} cuts column {} of {}", number, i, tree.cut_dim[i], forest.d));
    }
    if (leaf ? tree.point[i] < 0 || static_cast<std::size_t>(tree.point[i]) >= forest.rows() : tree.point[i] != -1) {
      damaged("point.npy", fmt::format("tree {}: node {} has point {} of {}", number, i, tree.point[i], forest.rows()));
    }
  }
}

std::size_t leaf_of(const Tree& tree, const float* x) {
  std::size_t at = 0;
  while (!tree.is_leaf(at)) at = x[tree.cut_dim[at]] <= tree.cut_value[at] ? at + 1 : static_cast<std::size_t>(tree.right_child[at]);
  return at;
}

// Every point of a tree lies in its leaf, and masses count them.
void check_points(const Forest& forest) {
  std::vector<std::vector<std::int32_t>> found(forest.trees.size());
  for (std::size_t t = 0; t < found.size(); ++t) found[t].resize(forest.trees[t].nodes());
  for (std::size_t r = 0; r < forest.rows(); ++r) {
    const std::int32_t t = forest.tree_of[r];
    if (t < -1 || t >= static_cast<std::int32_t>(found.size())) {
      damaged("tree.npy", fmt::format("row {} is in tree {} of {}", r, t, found.size()));
    }
    if (t == -1) continue;
    const Tree& tree = forest.trees[static_cast<std::size_t>(t)];
    const std::size_t leaf = leaf_of(tree, forest.row(r));
    const auto stands = static_cast<std::size_t>(tree.point[leaf]);
    if (!std::equal(forest.row(r), forest.row(r) + forest.d, forest.row(stands))) {
      damaged("points.npy", fmt::format("row {} is not the point of its leaf in tree {}", r, t));
    }
    ++found[static_cast<std::size_t>(t)][leaf];
  }
  for (std::size_t t = 0; t < found.size(); ++t) {
    const Tree& tree = forest.trees[t];
    for (std::size_t i = tree.nodes(); i-- > 0;) {
      if (!tree.is_leaf(i)) found[t][i] = found[t][i + 1] + found[t][static_cast<std::size_t>(tree.right_child[i])];
      if (tree.mass[i] != found[t][i] || tree.mass[i] < 1 || tree.mass[i] > static_cast<std::int32_t>(kMostSamples)) {
        damaged("mass.npy", fmt::format("tree {}: node {} has mass {}, and {} points", t, i, tree.mass[i], found[t][i]));
      }
      if (tree.is_leaf(i) && forest.tree_of[static_cast<std::size_t>(tree.point[i])] != static_cast<std::int32_t>(t)) {
        damaged("point.npy", fmt::format("tree {}: leaf {} stands for a row of another tree", t, i));
      }
    }
  }
}

void read_trees(const Members& members, Forest& forest, std::uint64_t num_trees) {
  const std::vector<std::int64_t> offset = array<std::int64_t>(members, "tree_offset.npy", num_trees + 1);
  for (std::size_t t = 0; t < num_trees; ++t) {
    if (offset[0] != 0 || offset[t + 1] <= offset[t] || offset[t + 1] - offset[t] > static_cast<std::int64_t>(2 * kMostSamples)) {
      damaged("tree_offset.npy", fmt::format("tree {} has the nodes from {} to {}", t, offset[t], offset[t + 1]));
    }
  }
  const auto nodes = static_cast<std::uint64_t>(offset.back());
  const auto cut_dim = array<std::int32_t>(members, "cut_dim.npy", nodes), right = array<std::int32_t>(members, "right_child.npy", nodes),
             mass = array<std::int32_t>(members, "mass.npy", nodes), point = array<std::int32_t>(members, "point.npy", nodes);
  const auto cut_value = array<float>(members, "cut_value.npy", nodes);
  check_finite(cut_value, "cut_value.npy");
  forest.trees.resize(static_cast<std::size_t>(num_trees));
  for (std::size_t t = 0; t < num_trees; ++t) {
    Tree& tree = forest.trees[t];
    const auto cut = [&]<class T>(const std::vector<T>& from, std::vector<T>& to) {
      to.assign(from.begin() + offset[t], from.begin() + offset[t + 1]);
    };
    cut(cut_dim, tree.cut_dim);
    cut(cut_value, tree.cut_value);
    cut(right, tree.right_child);
    cut(mass, tree.mass);
    cut(point, tree.point);
    check_nodes(forest, tree, t);
    check_order(tree, t);
  }
}

json facts_of(const Members& members) {
  const auto found = members.find(kJson);
  if (found == members.end()) throw user_error("{}: has no member {}; not a random cut forest of smtrain", kMember, kJson);
  json facts = json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (!facts.is_object()) damaged(kJson, "is not a JSON object");
  const std::uint64_t version = whole(facts, "format_version", 1, std::numeric_limits<std::uint64_t>::max());
  if (version > 1) throw user_error("{}: {}: format version {}; this smtrain reads up to 1", kMember, kJson, version);
  return facts;
}

}  // namespace

std::string write_artifact(const RcfModel& model) {
  const Forest& forest = model.forest;
  std::vector<std::int64_t> offset{0};
  for (const Tree& tree : forest.trees) offset.push_back(offset.back() + static_cast<std::int64_t>(tree.nodes()));
  std::vector<std::pair<std::string, std::string>> members{{kJson, json_of(model)},
                                                           {"tree_offset.npy", npy(offset)},
                                                           {"cut_dim.npy", npy(joined(forest, &Tree::cut_dim))},
                                                           {"cut_value.npy", npy(joined(forest, &Tree::cut_value))},
                                                           {"right_child.npy", npy(joined(forest, &Tree::right_child))},
                                                           {"mass.npy", npy(joined(forest, &Tree::mass))},
                                                           {"point.npy", npy(joined(forest, &Tree::point))},
                                                           {"points.npy", npy(forest.points, forest.rows(), forest.d)},
                                                           {"tree.npy", npy(forest.tree_of)}};
  if (model.shingle > 1) members.emplace_back("last_rows.npy", npy(model.last_rows, model.shingle - 1, model.feature_dim));
  std::vector<std::pair<std::string, std::string_view>> views(members.begin(), members.end());
  return formats::write_zip(views);
}

bool is_artifact(std::string_view bytes) {
  if (!formats::is_zip(bytes)) return false;
  try {
    return formats::read_zip(bytes, kMember, kLimit).contains(kJson);
  } catch (const Error&) {
    return false;
  }
}

RcfModel read_artifact(std::string_view bytes) {
  const Members members = formats::read_zip(bytes, kMember, kLimit);
  const json facts = facts_of(members);
  RcfModel model;
  const std::uint64_t num_trees = whole(facts, "num_trees", 1, kMostTrees);
  model.num_samples_per_tree = whole(facts, "num_samples_per_tree", 1, kMostSamples);
  model.shingle = static_cast<std::size_t>(whole(facts, "shingle", 1, kMostFeatures));
  model.feature_dim = static_cast<std::size_t>(whole(facts, "feature_dim", 1, kMostFeatures / model.shingle));
  model.rows_seen = whole(facts, "total_rows_seen", 1, std::uint64_t{1} << 60);
  model.seed = whole(facts, "seed", 0, std::numeric_limits<std::uint64_t>::max());
  model.stats = {number(facts, "train_score_mean"), number(facts, "train_score_deviation")};
  Forest& forest = model.forest;
  forest.d = model.shingle * model.feature_dim;
  const std::uint64_t rows = rows_of(members, "points.npy");
  if (rows == 0 || rows > num_trees * model.num_samples_per_tree || rows > model.rows_seen) {
    damaged("points.npy", fmt::format("{} rows in a sample of {} trees with up to {} rows, drawn from {}", rows, num_trees,
                                      model.num_samples_per_tree, model.rows_seen));
  }
  forest.points = array<float>(members, "points.npy", rows, forest.d);
  check_finite(forest.points, "points.npy");
  forest.tree_of = array<std::int32_t>(members, "tree.npy", rows);
  read_trees(members, forest, num_trees);
  check_points(forest);
  if (model.shingle > 1) {
    model.last_rows = array<float>(members, "last_rows.npy", model.shingle - 1, model.feature_dim);
    check_finite(model.last_rows, "last_rows.npy");
  }
  return model;
}

}  // namespace smtrain::rcf
