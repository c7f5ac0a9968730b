// PCA of rows that stream by once: sums first (scatter.cc, sketch.cc), components at the end; see share/doc/reference/pca.md.
#include <algorithm>

#include "algos/pca/rows.h"
#include "algos/pca/trainer.h"
#include "algos/pca/training.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::pca {
namespace {

using formats::Batch;

// Rows that are read at once: the smallest number of whole mini-batches that keeps the device busy.
constexpr std::size_t kFewRegular = 1920, kFewRandomized = 480, kMost = 4096;

// Sparse enough that its rows are looked at entry by entry: then the origin is near enough to the mean.
bool mostly_zero(std::span<const Batch> batches) {
  double rows = 0, filled = 0;
  for (const Batch& b : batches) {
    if (!b.sparse()) return false;
    rows += static_cast<double>(b.rows);
    filled += static_cast<double>(entries(b)) / static_cast<double>(b.cols);
  }
  return 4 * filled <= rows;
}

std::vector<double> mean_of(std::span<const Batch> batches, std::size_t d) {
  std::vector<double> mean(d);
  std::vector<float> row(d);
  double rows = 0;
  for (const Batch& b : batches) {
    for (std::size_t i = 0; i < b.rows; ++i, ++rows) {
      job::copy_row(b, i, row.data());
      for (std::size_t j = 0; j < d; ++j) mean[j] += static_cast<double>(row[j]);
    }
  }
  for (double& m : mean) m /= std::max(rows, 1.0);
  return mean;
}

}  // namespace

std::unique_ptr<job::Predictor> Trainer::run() {
  check_settings();
  open();
  start();
  passes_->run(*this);
  check_rows();
  std::unique_ptr<PcaPredictor> model = finish();
  score_train(model->components());
  score_test(model->components());
  return model;
}

void Trainer::check_settings() {
  k_ = static_cast<std::size_t>(params_.num_components);
  if (params_.algorithm_mode == Mode::stable) {
    context_.log().warning("algorithm_mode stable is not documented; it is computed as regular, which is stable here");
  }
  if (params_.exact() && !settings_.find("extra_components")->given.empty() && params_.extra_components != -1) {
    context_.log().warning("extra_components is ignored: it belongs to algorithm_mode randomized");
  }
}

std::size_t Trainer::rows_at_once() const {
  const std::size_t asked = static_cast<std::size_t>(params_.mini_batch_size);
  const std::size_t few = params_.exact() ? kFewRegular * static_cast<std::size_t>(workers_.size()) : kFewRandomized;
  return asked >= few ? std::min(asked, std::max(kMost, few)) : (few + asked - 1) / asked * asked;
}

std::size_t Trainer::sketch_rows() const {
  const std::size_t extra = params_.extra_components < 0 ? std::max<std::size_t>(10, k_) : static_cast<std::size_t>(params_.extra_components);
  return k_ + extra;
}

void Trainer::open() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  passes_.emplace(context_, job::PassPlan{"train", rows_at_once(), params_.epochs, static_cast<std::size_t>(params_.feature_dim)});
  d_ = passes_->schema().feature_dim;
  settings_.resolve_auto("feature_dim", std::to_string(d_));
  if (!params_.exact()) settings_.resolve_auto("extra_components", std::to_string(sketch_rows() - k_));
  if (k_ > d_) {
    throw user_error("hyperparameter num_components: {} components of rows that have {} features; give at most {}", k_, d_, d_);
  }
  check_memory();
}

void Trainer::check_memory() const {
  const double need = params_.exact() ? scatter_bytes(d_, k_) : sketch_bytes(d_, sketch_rows());
  if (need <= static_cast<double>(context_.memory_limit())) return;
  const std::string limit = format_bytes(context_.memory_limit()), size = format_bytes(static_cast<std::uint64_t>(need));
  if (params_.exact()) {
    throw user_error("the scatter matrix of {} features needs {} of memory; the limit is {}: give algorithm_mode=randomized, or raise "
                     "--memory-limit", d_, size, limit);
  }
  throw user_error("a sketch of {} rows of {} features needs {} of memory; the limit is {}: lower num_components or extra_components, or "
                   "raise --memory-limit", sketch_rows(), d_, size, limit);
}

// The first process decides, by its part of the first mini-batch.
std::vector<double> Trainer::choose_shift() {
  if (!params_.subtract_mean) return {};
  const std::span<const Batch> first = passes_->peek(1);
  char shifts = mostly_zero(first) ? 0 : 1;
  workers_.broadcast(std::as_writable_bytes(std::span(&shifts, 1)), 0);
  if (shifts == 0) return {};
  std::vector<double> shift = mean_of(first, d_);
  workers_.broadcast(std::as_writable_bytes(std::span(shift)), 0);
  return shift;
}

void Trainer::start() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  const job::State* state = context_.resumed();
  if (state == nullptr) {
    shift_ = choose_shift();
  } else {
    reported_ = state->count("pca.reported") != 0;
    if (state->has("pca.shift")) shift_ = state->f64("pca.shift", {d_});
  }
  const SumsPlan plan{d_, params_.subtract_mean, shift_};
  sums_ = params_.exact() ? make_scatter(context_, plan) : make_sketch(context_, plan, sketch_rows());
  if (const job::Model* before = context_.start_model()) {
    const std::unique_ptr<PcaPredictor> model = load(*before);
    if (model->feature_dim() != d_) {
      throw user_error("--model: was trained on {} features, the train channel has {}", model->feature_dim(), d_);
    }
    rows_before_ = model->components().rows;
    sums_->continue_from(*before);
  }
  if (state != nullptr) sums_->restore(*state);
}

void Trainer::save(job::State& state) const {
  state.put("pca.reported", std::int64_t{reported_});
  if (!shift_.empty()) state.put("pca.shift", {d_}, shift_);
  sums_->save(state);
}

void Trainer::check_rows() const {
  const std::uint64_t rows = rows_before_ + passes_->rows();
  if (rows == 0) throw user_error("the train channel holds no rows");
  if (rows == 1 && params_.subtract_mean) {
    throw user_error("one row does not vary about its mean: give more rows, or subtract_mean=false");
  }
  if (rows < static_cast<std::uint64_t>(params_.mini_batch_size) && rows_before_ == 0) {
    context_.log().warning("mini_batch_size {} is larger than the data: {} rows", params_.mini_batch_size, rows);
  }
  if (rows < k_) {
    context_.log().warning("{} rows have no more than {} components; the others get the singular value 0", rows, rows);
  }
  if (!params_.exact() && sketch_rows() > rows) {
    context_.log().warning("num_components and extra_components make a sketch of {} rows, and the data have {}; regular would do", sketch_rows(), rows);
  }
}

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::pca
