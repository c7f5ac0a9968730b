// A random cut forest of rows that stream by once: a sample first (reservoir.cc), its trees at the end (forest.cc); see
// share/doc/reference/rcf.md.
#include <algorithm>

#include "algos/rcf/score_kernels.h"
#include "algos/rcf/trainer.h"
#include "algos/rcf/training.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::rcf {
namespace {

constexpr std::size_t kNodesPerSample = 2;

// Of the sample, of the points in the leaves, of the boxes of the inner nodes, and of the nodes.
double bytes_of_sample(std::size_t d) {
  const auto width = static_cast<double>((d + kChunk - 1) / kChunk * kChunk);
  constexpr std::size_t node = 5 * sizeof(std::int32_t) + sizeof(WalkNode) + sizeof(ClimbNode);
  return sizeof(float) * (static_cast<double>(d) + 3 * width) + kNodesPerSample * node;
}

}  // namespace

std::unique_ptr<job::Predictor> Trainer::run() {
  context_.log().detail("Verifying hyperparamemters...");
  check_settings();
  context_.log().detail("Hyperparameters are correct.");
  open();
  start();
  context_.log().detail("Sampling training data...");
  passes_->run(*this);
  context_.log().detail("Sampling training data completed.");
  finish();
  score_test();
  return std::move(model_);
}

void Trainer::check_settings() {
  if (params_.mini_batch_size != kServiceBatch) {
    context_.log().warning("mini_batch_size {} is ignored: the service fixes it at {}, and it changes nothing", params_.mini_batch_size,
                           kServiceBatch);
  }
  if (params_.shingle > 1 && workers_.size() > 1) {
    throw user_error("hyperparameter shingle: {} processes would tear the series apart; start one process", workers_.size());
  }
}

// The service fixes it; rows are read so many at a time, so that little is done between them.
std::size_t Trainer::points_at_once() const { return params_.shingle > 1 ? kServiceBatch : 4 * kServiceBatch; }

void Trainer::open() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  passes_.emplace(context_, job::PassPlan{"train", points_at_once(), 1, static_cast<std::size_t>(params_.feature_dim)});
  context_.log().detail("Validating that feature_dim agrees with dimensions in training data...");
  d_ = passes_->schema().feature_dim;
  settings_.resolve_auto("feature_dim", std::to_string(d_));
  check_labels();
  const std::size_t width = d_ * static_cast<std::size_t>(params_.shingle);
  if (width > kMostFeatures) {
    throw user_error("{}: points of {} x {} columns; expected at most {} ({})", "the train channel", params_.shingle, d_, kMostFeatures,
                     params_.shingle > 1 ? "shingle times feature_dim" : "feature_dim");
  }
  context_.log().detail("feature_dim is correct.");
  check_memory();
}

// Whoever leaves it to the default loses a column to a label that is none.
void Trainer::check_labels() const {
  const std::size_t labels = passes_->schema().label_width;
  if (labels == 0) return;
  context_.log().warning("the train channel has {} per row, which {} ignored: a forest learns from rows without labels", counted(labels, "label"),
                         labels == 1 ? "is" : "are");
}

void Trainer::check_memory() const {
  Log& log = context_.log();
  const std::size_t width = d_ * static_cast<std::size_t>(params_.shingle);
  const double each = static_cast<double>(params_.num_samples_per_tree) * bytes_of_sample(width);
  const double sample = static_cast<double>(params_.sample_size() * width * sizeof(float));
  const double need = static_cast<double>(params_.num_trees) * each;
  log.detail("Validating memory limits...");
  log.detail("Available memory in bytes: {}", context_.memory_limit());
  log.detail("Estimated sample size in bytes: {:.0f}", sample);
  log.detail("Estimated memory needed to build the forest in bytes: {:.0f}", need);
  if (need > static_cast<double>(context_.memory_limit())) {
    throw user_error("a forest of {} trees of {} points of {} numbers needs {} of memory, {} a tree; the limit is {}: lower num_trees or "
                     "num_samples_per_tree, or raise --memory-limit", params_.num_trees, params_.num_samples_per_tree, width,
                     format_bytes(static_cast<std::uint64_t>(need)), format_bytes(static_cast<std::uint64_t>(each)),
                     format_bytes(context_.memory_limit()));
  }
  log.detail("Memory limits validated.");
}

void Trainer::start() {
  const auto w = static_cast<std::size_t>(params_.shingle);
  shingler_.emplace(d_, w);
  sample_.emplace(w * d_, params_.sample_size(), seed());
  if (const job::State* state = context_.resumed()) {
    if (w > 1) shingler_.emplace(d_, w, state->f32("rcf.last_rows", {state->count("rcf.last"), d_}));
    if (workers_.is_root()) sample_->restore(*state);
    else sample_->go_on_from({}, state->count("rcf.seen"));
  } else if (const job::Model* before = context_.start_model()) {
    start_from(*before);
  }
}

void Trainer::start_from(const job::Model& model) {
  const RcfModel before = load(model)->model();
  const auto w = static_cast<std::size_t>(params_.shingle);
  if (before.feature_dim != d_ || before.shingle != w) {
    throw user_error("--model: was trained on rows of {} features with shingle {}, this run has {} features and shingle {}",
                     before.feature_dim, before.shingle, d_, w);
  }
  const std::uint64_t held = before.forest.rows();
  const bool has_all = held == before.rows_seen;  // then any larger sample may go on from it
  if (has_all ? held > params_.sample_size() : before.sample_size() != params_.sample_size()) {
    throw user_error("--model: its sample holds {} of {} points, for {} trees of {}; num_trees x num_samples_per_tree is {} here, which must "
                     "be {} {}", held, grouped(before.rows_seen), before.forest.trees.size(), before.num_samples_per_tree, params_.sample_size(),
                     has_all ? "at least" : "the same,", has_all ? held : before.sample_size());
  }
  context_.log().info("goes on from a sample of {} of {} points", grouped(held), grouped(before.rows_seen));
  if (w > 1) shingler_.emplace(d_, w, before.last_rows);
  sample_->go_on_from(workers_.is_root() ? before.forest.points : std::vector<float>{}, before.rows_seen);
}

void Trainer::take(const formats::Batch& piece) { sample_->take((*shingler_)(piece)); }

// Rows, not points: passes count what has been read.
std::uint64_t Trainer::update(std::uint64_t rows) {
  const std::uint64_t points = sample_->close(workers_);
  return params_.shingle > 1 ? rows : points;
}

void Trainer::save(job::State& state) const {
  sample_->save(state, model_ ? model_->model().forest.points : sample_->points());
  if (params_.shingle == 1) return;
  const std::vector<float>& last = shingler_->last();
  state.put("rcf.last", std::uint64_t{last.size() / d_});
  state.put("rcf.last_rows", {last.size() / d_, d_}, last);
}

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::rcf
