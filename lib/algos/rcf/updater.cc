#include "algos/rcf/updater.h"

#include <algorithm>

#include "base/each_index.h"

namespace smtrain::rcf {
namespace {

constexpr std::size_t kBytesAtOnce = std::size_t{64} << 20;  // of what trees say of rows

}  // namespace

RcfUpdater::RcfUpdater(const RcfModel& model)
    : model_(model), shingler_(model.feature_dim, model.shingle, model.last_rows), draw_(model.seed, model.sample_size()),
      changes_(model.forest.trees.size()) {
  for (std::size_t t = 0; t < model.forest.trees.size(); ++t) {
    trees_.emplace_back(model.forest, t);
    masses_.push_back(trees_.back().mass());
  }
}

void RcfUpdater::update(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest& wanted,
                        formats::Prediction& out) {
  const formats::Batch joined = shingler_(batch), points = dense(joined);
  const std::vector<std::string> columns = columns_of(wanted);
  lay_out(columns, points.rows, model_.forest.d, out);
  const std::size_t numbers = 8 + (std::count(columns.begin(), columns.end(), kAttribution) > 0 ? model_.forest.d : 0);
  const std::size_t at_once = std::max<std::size_t>(1, kBytesAtOnce / (trees_.size() * numbers * sizeof(double)));
  for (std::size_t first = 0; first < points.rows; first += at_once) {
    learn(points, first, std::min(at_once, points.rows - first), columns, backend.device().threads, out);
  }
}

// Trees do not know each other: each goes through all the rows, and what they say is added in their order.
void RcfUpdater::learn(const formats::Batch& points, std::size_t first, std::size_t count, const std::vector<std::string>& columns,
                       int threads, formats::Prediction& out) {
  const std::uint64_t row = model_.rows_seen;
  plan(points, first, count);
  const bool attributes = std::count(columns.begin(), columns.end(), kAttribution) > 0;
  std::vector<std::vector<Explanation>> said(trees_.size());
  each_index(threads, trees_.size(), [&](std::size_t t) {
    said[t].resize(count);
    for (Explanation& s : said[t]) s.attribution.resize(attributes ? model_.forest.d : 0);
    work(t, points, first, count, row, said[t]);
  });
  for (std::size_t i = 0; i < count; ++i) {
    Explanation sum = said[0][i];
    for (std::size_t t = 1; t < trees_.size(); ++t) {
      sum.score += said[t][i].score;
      sum.depth += said[t][i].depth;
      for (std::size_t j = 0; j < sum.attribution.size(); ++j) sum.attribution[j] += said[t][i].attribution[j];
    }
    fill(out, first + i, sum, model_.stats.cutoff());
  }
}

// Which row goes where follows from their numbers alone, whatever the trees look like.
void RcfUpdater::plan(const formats::Batch& points, std::size_t first, std::size_t count) {
  Forest& forest = model_.forest;
  for (std::vector<Change>& changes : changes_) changes.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const float* x = points.dense + (first + i) * points.ld;
    const std::uint64_t slot = draw_(model_.rows_seen++);
    if (slot >= model_.sample_size()) continue;
    if (slot >= forest.rows()) {
      const auto least = static_cast<std::size_t>(std::min_element(masses_.begin(), masses_.end()) - masses_.begin());
      forest.points.insert(forest.points.end(), x, x + forest.d);
      forest.tree_of.push_back(static_cast<std::int32_t>(least));
      ++masses_[least];
      changes_[least].push_back({i, false, {}});
      continue;
    }
    float* place = forest.points.data() + slot * forest.d;
    const std::int32_t tree = forest.tree_of[static_cast<std::size_t>(slot)];
    if (tree >= 0) changes_[static_cast<std::size_t>(tree)].push_back({i, true, {place, place + forest.d}});
    std::copy_n(x, forest.d, place);
  }
}

void RcfUpdater::work(std::size_t t, const formats::Batch& points, std::size_t first, std::size_t count, std::uint64_t row,
                      std::vector<Explanation>& said) {
  RandomStream random(model_.seed, fmt::format("rcf.update.{}", t));
  const double part = 1 / static_cast<double>(trees_.size());
  auto change = changes_[t].begin();
  for (std::size_t i = 0; i < count; ++i) {
    const float* x = points.dense + (first + i) * points.ld;
    trees_[t].explain(x, part, said[i]);
    if (change == changes_[t].end() || change->row != i) continue;
    if (change->replaces) trees_[t].remove(change->old.data());
    random.seek((row + i) * kInsertionDraws);  // the row's own numbers: a later run of the updated model draws on
    trees_[t].insert(x, random);
    ++change;
  }
}

std::unique_ptr<job::Predictor> RcfUpdater::finish(compute::Backend& backend) const {
  RcfModel model = model_;
  model.last_rows = shingler_.last();
  const int threads = backend.device().threads;
  std::vector<std::vector<std::int32_t>> rows(trees_.size());
  for (std::size_t r = 0; r < model.forest.rows(); ++r) {
    if (model.forest.tree_of[r] >= 0) rows[static_cast<std::size_t>(model.forest.tree_of[r])].push_back(static_cast<std::int32_t>(r));
  }
  each_index(threads, trees_.size(), [&](std::size_t t) { model.forest.trees[t] = trees_[t].tree(model.forest.points.data(), rows[t]); });
  auto predictor = std::make_unique<RcfPredictor>(std::move(model));
  predictor->set_stats(stats_of(predictor->model().forest, predictor->scorer(), threads));
  return predictor;
}

}  // namespace smtrain::rcf
