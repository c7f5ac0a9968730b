// From the sample to the forest and its scores.
#include <algorithm>
#include <numeric>

#include "algos/rcf/seen_scores.h"
#include "algos/rcf/training.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::rcf {
namespace {

constexpr double kDominates = 0.95;       // share of the sum of the columns' ranges from which the others hardly count
constexpr double kManyAnomalies = 0.05;   // share of a test set's rows

std::string numbers(const std::vector<std::uint64_t>& all) { return fmt::format("[{}]", fmt::join(all, ", ")); }

// As the service prints it.
std::string forest_info(const RcfModel& model, std::uint64_t bytes) {
  std::vector<std::uint64_t> nodes, depths;
  std::uint64_t samples = 0;
  for (const Tree& tree : model.forest.trees) {
    nodes.push_back(tree.nodes());
    depths.push_back(depth_of(tree));
    samples += static_cast<std::uint64_t>(tree.mass[0]);
  }
  const auto extremes = [](const char* what, const std::vector<std::uint64_t>& all) {
    const auto [least, most] = std::minmax_element(all.begin(), all.end());
    const double mean = static_cast<double>(std::accumulate(all.begin(), all.end(), std::uint64_t{0})) / static_cast<double>(all.size());
    return fmt::format("max_{0}: {1}, min_{0}: {2}, avg_{0}: {3:.2f}", what, *most, *least, mean);
  };
  return fmt::format(
      "ForestInfo{{num_trees: {}, num_samples_in_forest: {}, num_samples_per_tree: {}, sample_dim: {}, shingle_size: {}, trees_num_nodes: {}, "
      "trees_depth: {}, {}, {}, mem_size: {}}}", nodes.size(), samples, model.forest.trees[0].mass[0], model.forest.d, model.shingle, numbers(nodes),
      numbers(depths), extremes("num_nodes", nodes), extremes("tree_depth", depths), bytes);
}

}  // namespace

void Trainer::finish() {
  const job::Timed timed(context_.metrics(), "fit_model.time");
  Log& log = context_.log();
  log.detail("Master node: building Random Cut Forest...");
  log.detail("Gathering samples...");
  std::vector<float> points = sample_->release(workers_);
  const std::size_t width = shingler_->width(), rows = points.size() / width;
  log.detail("{} samples gathered", rows);
  check_sample(rows);
  log.detail("Building Random Cut Forest...");
  RcfModel model;
  model.feature_dim = d_;
  model.shingle = static_cast<std::size_t>(params_.shingle);
  if (model.shingle > 1) model.last_rows = shingler_->last();
  model.num_samples_per_tree = static_cast<std::uint64_t>(params_.num_samples_per_tree);
  model.rows_seen = sample_->seen();
  model.seed = seed();
  if (params_.shuffle_sample) shuffle(points);
  model.forest = build_forest(width, std::move(points), static_cast<std::size_t>(params_.num_trees), seed(), threads());
  warn_of_ranges(model.forest);
  model_ = std::make_unique<RcfPredictor>(std::move(model));
  model_->set_stats(stats_of(model_->model().forest, model_->scorer(), threads()));
  report();
}

// In place, by swaps from the end (Fisher and Yates).
void Trainer::shuffle(std::vector<float>& points) const {
  const std::size_t width = shingler_->width();
  RandomStream random(seed(), "rcf.shuffle");
  for (std::size_t i = points.size() / width; i > 1; --i) {
    const std::size_t other = static_cast<std::size_t>(random.below(i));
    std::swap_ranges(points.begin() + static_cast<std::ptrdiff_t>((i - 1) * width), points.begin() + static_cast<std::ptrdiff_t>(i * width),
                     points.begin() + static_cast<std::ptrdiff_t>(other * width));
  }
}

void Trainer::check_sample(std::size_t rows) const {
  const auto trees = static_cast<std::size_t>(params_.num_trees);
  const char* what = params_.shingle > 1 ? "shingle" : "row";
  if (rows == 0) {
    throw user_error("the train channel holds no rows{}",
                     params_.shingle > 1 ? fmt::format(", or fewer than the {} of a shingle", params_.shingle) : "");
  }
  if (rows < trees) {
    throw user_error("{} for {} trees: a tree would have no point; give at least {} (num_trees is at least 50)", counted(rows, what), trees, trees);
  }
  if (rows < params_.sample_size()) {
    context_.log().warning("{} {}s are fewer than num_trees x num_samples_per_tree = {}: each tree gets {} instead of {}{}{}", grouped(rows), what,
                           grouped(params_.sample_size()), rows / trees, params_.num_samples_per_tree,
                           params_.shuffle_sample ? "" : ", which follow each other in the data (_shuffle_sample=true mixes them)",
                           rows % trees == 0 ? "" : fmt::format("; the last {} in none", rows % trees));
  }
  if (rows < 2 * trees) context_.log().warning("trees of one point each are trivial: give more rows, or fewer trees");
}

void Trainer::warn_of_ranges(const Forest& forest) const {
  std::vector<float> low(forest.row(0), forest.row(1)), high = low;
  for (std::size_t i = 1; i < forest.rows(); ++i) {
    const float* x = forest.row(i);
    for (std::size_t j = 0; j < forest.d; ++j) {
      low[j] = std::min(low[j], x[j]);
      high[j] = std::max(high[j], x[j]);
    }
  }
  std::vector<double> ranges(d_);
  for (std::size_t j = 0; j < forest.d; ++j) ranges[j % d_] += static_cast<double>(high[j]) - static_cast<double>(low[j]);
  const double sum = std::accumulate(ranges.begin(), ranges.end(), 0.0);
  if (sum == 0) {
    context_.log().warning("all rows are equal: every other row will score the most there is, log2(rows of a tree + 1)");
    return;
  }
  const auto widest = std::max_element(ranges.begin(), ranges.end());
  if (d_ == 1 || *widest < kDominates * sum) return;
  const auto column = static_cast<std::size_t>(widest - ranges.begin());
  const std::vector<std::string>& names = passes_->schema().column_names;
  context_.log().warning("feature {} has {:.1f} % of the sum of all features' ranges: cuts follow ranges, so the others hardly count; scale the "
                         "features (smtrain convert can) if they should", names.size() == d_ ? names[column] : std::to_string(column + 1),
                         100 * *widest / sum);
}

void Trainer::report() const {
  const RcfModel& model = model_->model();
  const std::uint64_t bytes = model_->scorer().bytes() + model.forest.points.size() * sizeof(float);
  Log& log = context_.log();
  log.detail("Random Cut Forest built: \n\n{}\n", forest_info(model, bytes));
  log.info("{} trees of {} points each, from {} seen; {} of memory a tree", model.forest.trees.size(), model.forest.trees[0].mass[0],
           counted(model.rows_seen, params_.shingle > 1 ? "shingle" : "row"), format_bytes(bytes / model.forest.trees.size()));
  log.info("scores of the sample: mean {:.4f}, deviation {:.4f}; above mean + 3 deviations = {:.4f} a row may be called an anomaly",
           model.stats.mean, model.stats.deviation, model.stats.cutoff());
}

void Trainer::score_test() {
  Log& log = context_.log();
  if (!context_.has_channel("test")) return log.detail("Test data is not provided.");
  const job::Timed timed(context_.metrics(), "score.time");
  TestScores scores;
  Shingler shingler(d_, static_cast<std::size_t>(params_.shingle));
  std::vector<float> batch_scores;
  SeenScores seen(shingler.width());
  const auto add = [&](const formats::Batch& batch) {
    check_test_labels(batch);
    const formats::Batch joined = shingler(batch), points = dense(joined);
    batch_scores.resize(points.rows);
    if (points.rows > 0) seen.score(model_->scorer(), points.dense, points.rows, points.ld, threads(), batch_scores.data());
    for (std::size_t i = 0; i < points.rows; ++i) scores.add(batch_scores[i], joined.labels[i * joined.label_width] == 1);
  };
  if (passes_->stopped() || !passes_->read_channel(*this, "test", {points_at_once(), 1, d_, {}}, add)) {
    return log.info("the test channel is not scored: the run was stopped");
  }
  publish(scores);
}

void Trainer::check_test_labels(const formats::Batch& batch) const {
  if (batch.rows > 0 && batch.labels == nullptr) {
    throw user_error("{}: has no label; each row of the test channel begins with 1 where it is anomalous and 0 where not", batch.where(0));
  }
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const float label = batch.labels[i * batch.label_width];
    if (label != 0 && label != 1) throw user_error("{}: label {} is not 0 or 1", batch.where(i), format_number(label));
  }
}

void Trainer::publish(const TestScores& scores) const {
  Log& log = context_.log();
  const ScoreStats stats = scores.stats(workers_);
  const Confusion found = scores.judge(stats.cutoff(), workers_), other = found.negative();
  const char* what = params_.shingle > 1 ? "whole shingle" : "row";
  if (found.rows() == 0) return log.warning("the test channel holds no {}: nothing is scored", what);
  log.info("scores of the test channel: mean {:.4f}, deviation {:.4f}, cut-off {:.4f}; {:.0f} of {:.0f} rows are above it, {:.0f} are labelled "
           "anomalous", stats.mean, stats.deviation, stats.cutoff(), found.true_positive + found.false_positive, found.rows(), found.positives());
  const double share = found.positives() / found.rows();
  if (share == 0 || share == 1) {
    log.warning("all labels of the test channel are {}: precision and recall of the other class say nothing", share);
  } else if (share > kManyAnomalies) {
    log.warning("{:.1f} % of the test channel is anomalous: that raises the mean and deviation of its scores, and with them the cut-off",
                100 * share);
  }
  if (found.true_positive + found.false_positive == 0) {
    log.warning("no row of the test channel is above the cut-off: precision and F1 are 0");
  }
  const auto quality = [&](const char* name, double value) { context_.metrics().quality({"test", name, value, false, {}, {}}); };
  const auto wanted = [&](const char* name) { return std::count(params_.eval_metrics.begin(), params_.eval_metrics.end(), name) > 0; };
  if (wanted("accuracy")) quality("accuracy", found.accuracy());
  if (!wanted("precision_recall_fscore")) return;
  quality("precision", found.precision());
  quality("recall", found.recall());
  quality("f1", found.f1());
  quality("negative_precision", other.precision());
  quality("negative_recall", other.recall());
  quality("negative_f1", other.f1());
}

}  // namespace smtrain::rcf
