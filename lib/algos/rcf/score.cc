#include "algos/rcf/score.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/each_index.h"
#include "base/machine.h"
#include "base/memory.h"

namespace smtrain::rcf {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;  // of queries that a tree is shown: it comes from far, they from near
constexpr std::size_t kMostBlockRows = 4096, kFewBlockRows = 32;
constexpr std::size_t kWorthTeam = 4096;  // pairs of a query and a tree that take longer than starting a team

const ScoreKernels& kernels_for(KernelLevel level) {
#if defined(__x86_64__)
  if (level == KernelLevel::avx512) return kScoreAvx512;
  if (level == KernelLevel::avx2) return kScoreAvx2;
#endif
  (void)level;
  return kScoreBaseline;
}

std::size_t rounded_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// Queries that are scored together, padded with zeros on all sides.
struct Block {
  Block(const float* x, std::size_t rows, std::size_t ld, std::size_t d, std::size_t width)
      : padded(rounded_up(rows, kGroup)), q(allocate_array<float>(padded * width)), sums(padded) {
    for (std::size_t i = 0; i < padded; ++i) {
      float* to = q.get() + i * width;
      const std::size_t n = i < rows ? d : 0;
      std::copy_n(x + i * ld, n, to);
      std::fill(to + n, to + width, 0.0f);
    }
  }
  void mean(std::size_t rows, std::size_t trees, float* scores) const {
    for (std::size_t i = 0; i < rows; ++i) scores[i] = static_cast<float>(sums[i] / static_cast<double>(trees));
  }
  std::size_t padded;
  std::shared_ptr<float> q;
  std::vector<double> sums;
};

}  // namespace

double value_of_equal(std::size_t depth, std::size_t copies, std::size_t mass) {
  if (depth == 0) return 0.5 / std::log2(static_cast<double>(mass) + 1);
  return 1 / (static_cast<double>(depth) + std::log2(static_cast<double>(copies)));
}

Scorer::Scorer(const Forest& forest)
    : d_(forest.d), chunks_((forest.d + kChunk - 1) / kChunk), kernels_(kernels_for(kernel_level())) {
  std::size_t nodes = 0, leaves = 0, deepest = 0;
  for (const Tree& tree : forest.trees) {
    nodes += tree.nodes();
    leaves += (tree.nodes() + 1) / 2;
    deepest = std::max(deepest, depth_of(tree));
  }
  walk_.reserve(nodes);
  climb_.reserve(nodes);
  boxes_ = allocate_array<float>((nodes - leaves) * chunks_ * 2 * kChunk);
  points_ = allocate_array<float>(leaves * chunks_ * kChunk);
  for (std::size_t depth = 0; depth <= deepest; ++depth) value_.push_back(1 / (static_cast<double>(depth) + 1));
  for (const Tree& tree : forest.trees) lay_out(forest, tree);
}

void Scorer::lay_out(const Forest& forest, const Tree& tree) {
  const std::size_t width = chunks_ * kChunk, start = walk_.size();
  walk_.resize(start + tree.nodes());
  climb_.resize(start + tree.nodes());
  TreeView view;
  view.walk = walk_.data() + start;
  view.climb = climb_.data() + start;
  view.boxes = boxes_.get() + boxes_used_ * 2 * width;
  view.points = points_.get() + points_used_ * width;
  view.value = value_.data();
  view.chunks = chunks_;
  view.scale = std::log2(static_cast<double>(tree.mass[0]) + 1);
  place_nodes(forest, tree, start);
  bound_boxes(tree, view, climb_.data() + start);
  views_.push_back(view);
}

void Scorer::place_nodes(const Forest& forest, const Tree& tree, std::size_t start) {
  const std::size_t width = chunks_ * kChunk;
  const auto mass = static_cast<std::size_t>(tree.mass[0]);
  WalkNode* walk = walk_.data() + start;
  ClimbNode* climb = climb_.data() + start;
  std::int32_t boxes = 0, points = 0;
  for (std::size_t i = 0; i < tree.nodes(); ++i) {
    if (tree.is_leaf(i)) {
      walk[i] = {-std::numeric_limits<float>::infinity(), 0, -1};
      climb[i].number = value_of_equal(climb[i].depth, static_cast<std::size_t>(tree.mass[i]), mass);
      climb[i].place = points++;
      float* to = points_.get() + points_used_++ * width;
      std::fill(std::copy_n(forest.row(static_cast<std::size_t>(tree.point[i])), d_, to), to + width, 0.0f);
      continue;
    }
    const auto right = static_cast<std::size_t>(tree.right_child[i]);
    walk[i] = {tree.cut_value[i], static_cast<std::uint16_t>(tree.cut_dim[i]), static_cast<std::int16_t>(right - i - 1)};
    climb[i].place = boxes++;
    for (const std::size_t child : {i + 1, right}) {
      climb[child].parent = static_cast<std::uint16_t>(i);
      climb[child].depth = static_cast<std::uint16_t>(climb[i].depth + 1);
    }
  }
  boxes_used_ += static_cast<std::size_t>(boxes);
}

// Children lie behind their parents: boxes come about from the last node to the first.
void Scorer::bound_boxes(const Tree& tree, const TreeView& view, ClimbNode* climb) {
  float* const boxes = boxes_.get() + (view.boxes - boxes_.get());
  const auto place = [&](std::size_t i) { return static_cast<std::size_t>(climb[i].place); };
  for (std::size_t i = tree.nodes(); i-- > 0;) {
    if (tree.is_leaf(i)) continue;
    double sides = 0;
    for (std::size_t c = 0; c < chunks_; ++c) {
      float* box = boxes + (place(i) * chunks_ + c) * 2 * kChunk;
      std::fill_n(box, kChunk, std::numeric_limits<float>::infinity());
      std::fill_n(box + kChunk, kChunk, -std::numeric_limits<float>::infinity());
      for (const std::size_t child : {i + 1, static_cast<std::size_t>(tree.right_child[i])}) {
        const bool leaf = tree.is_leaf(child);
        const std::size_t at = place(child) * chunks_ + c;
        const float* low = leaf ? view.points + at * kChunk : boxes + at * 2 * kChunk;
        const float* high = leaf ? low : low + kChunk;
        for (std::size_t j = 0; j < kChunk; ++j) {
          box[j] = std::min(box[j], low[j]);
          box[kChunk + j] = std::max(box[kChunk + j], high[j]);
        }
      }
      for (std::size_t j = 0; j < kChunk; ++j) sides += static_cast<double>(box[kChunk + j]) - static_cast<double>(box[j]);
    }
    climb[i].number = sides;
  }
}

std::uint64_t Scorer::bytes() const {
  return walk_.size() * (sizeof(WalkNode) + sizeof(ClimbNode)) + (2 * boxes_used_ + points_used_) * chunks_ * kChunk * sizeof(float);
}

void Scorer::score_block(const float* q, std::size_t padded, std::size_t first_tree, std::size_t last_tree, double* sums) const {
  std::vector<std::uint16_t> live(chunks_);
  for (std::size_t t = first_tree; t < last_tree; ++t) kernels_.score(views_[t], q, padded, live.data(), sums);
}

void Scorer::score(const float* x, std::size_t rows, std::size_t ld, int threads, float* scores) const {
  const std::size_t team = static_cast<std::size_t>(std::max(threads, 1)), row_bytes = chunks_ * kChunk * sizeof(float);
  if (rows * trees() < kWorthTeam) threads = 1;
  if (threads > 1 && rows < team * kFewBlockRows) return score_few(x, rows, ld, threads, scores);
  const std::size_t most = std::clamp(kBlockBytes / row_bytes, kFewBlockRows, kMostBlockRows) / kGroup * kGroup;
  const std::size_t block_rows = std::min(most, std::max(kFewBlockRows, rounded_up((rows + team - 1) / team, kGroup)));
  each_index(threads, (rows + block_rows - 1) / block_rows, [&](std::size_t b) {
    const std::size_t first = b * block_rows, count = std::min(block_rows, rows - first);
    Block block(x + first * ld, count, ld, d_, chunks_ * kChunk);
    score_block(block.q.get(), block.padded, 0, trees(), block.sums.data());
    block.mean(count, trees(), scores + first);
  });
}

// Threads share the trees. Their scores are added in the order of the trees all the same.
void Scorer::score_few(const float* x, std::size_t rows, std::size_t ld, int threads, float* scores) const {
  Block block(x, rows, ld, d_, chunks_ * kChunk);
  const std::size_t parts = std::min(trees(), 4 * static_cast<std::size_t>(threads));
  std::vector<double> apart(trees() * block.padded);
  each_index(threads, parts, [&](std::size_t part) {
    for (std::size_t t = part * trees() / parts; t < (part + 1) * trees() / parts; ++t) {
      score_block(block.q.get(), block.padded, t, t + 1, apart.data() + t * block.padded);
    }
  });
  for (std::size_t t = 0; t < trees(); ++t) {
    for (std::size_t i = 0; i < rows; ++i) block.sums[i] += apart[t * block.padded + i];
  }
  block.mean(rows, trees(), scores);
}

Explanation Scorer::explain(const float* x, bool with_attribution) const {
  Explanation all;
  if (with_attribution) all.attribution.resize(d_);
  std::vector<double> shares(all.attribution.size());
  const double part = 1 / static_cast<double>(trees());
  for (const TreeView& tree : views_) {
    std::size_t at = 0;
    while (tree.walk[at].skip >= 0) at += 1 + static_cast<std::size_t>(x[tree.walk[at].dim] > tree.walk[at].cut ? tree.walk[at].skip : 0);
    const ClimbNode* node = &tree.climb[at];
    const std::size_t depth = node->depth, width = chunks_ * kChunk;
    Climb climb({x, d_}, shares);
    bool goes_on = climb.leaf(tree.points + static_cast<std::size_t>(node->place) * width, depth, node->number);
    for (std::size_t above = depth; goes_on && above-- > 0;) {
      node = &tree.climb[node->parent];
      goes_on = climb.inner(tree.boxes + static_cast<std::size_t>(node->place) * 2 * width, node->number, above);
    }
    all.score += climb.value() * tree.scale * part;
    all.depth += static_cast<double>(depth) * part;
    for (std::size_t j = 0; j < shares.size(); ++j) all.attribution[j] += shares[j] * tree.scale * part;
  }
  return all;
}

}  // namespace smtrain::rcf
