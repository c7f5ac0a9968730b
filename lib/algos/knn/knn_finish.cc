// From the sample to the model and its scores.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "algos/knn/score.h"
#include "algos/knn/search.h"
#include "algos/knn/training.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::knn {
namespace {

using compute::Closeness;
using compute::Mat;

constexpr std::size_t kRecallRows = 256;
constexpr double kManyScales = 1000;
constexpr std::size_t kManyLabels = 100;  // of which some are no whole numbers

}  // namespace

std::unique_ptr<KnnPredictor> Trainer::finish() {
  const job::Timed timed(context_.metrics(), "finalize.time");
  double held = reservoir_ ? static_cast<double>(reservoir_->held()) : 0;
  workers_.allreduce(std::span(&held, 1));
  const auto rows = static_cast<std::size_t>(held);
  check_sample(rows);
  const IndexPlan planned = plan(rows);
  warn_of_scales();
  if (!reservoir_) return share(nullptr);
  context_.log().detail("Got reservoir sample from algo-1: data=({}, {}), labels=({},), NaNs=0", rows, shape_.width, rows);
  context_.log().info("keeps {} of {}", counted(rows, "row"), grouped(seen_));
  warn_of_labels();
  Knowledge knows;
  knows.task = params_.predictor_type;
  knows.k = static_cast<std::size_t>(params_.k);
  knows.shape = shape_;
  context_.log().detail("Training index...");
  knows.index = build_index(backend_, reservoir_->rows(), planned, context_.random("knn.index"));
  context_.log().detail("Adding data to index...");
  knows.labels = reservoir_->labels();
  knows.positions = reservoir_->positions();
  knows.rows_seen = seen_;
  report_recall(knows.index);
  return share(std::make_unique<KnnPredictor>(std::move(knows)));
}

void Trainer::check_sample(std::size_t rows) const {
  const auto k = static_cast<std::size_t>(params_.k);
  if (rows == 0) throw user_error("the train channel holds no rows");
  if (rows < k) {
    throw user_error("hyperparameter k: {} neighbours cannot be found among the {} that there are; give k={} or less, or more rows", k,
                     counted(rows, "row"), rows);
  }
  if (params_.index_type == IndexKind::ivf_pq && rows < kCodes) {
    throw user_error(
        "index_type faiss.IVFPQ learns {} centroids of codes, and needs as many rows; there are {}: give index_type=faiss.Flat", kCodes,
        rows);
  }
}

IndexPlan Trainer::plan(std::size_t rows) {
  IndexPlan planned{params_.index_type, params_.index_metric == Metric::l2 ? Closeness::distance : Closeness::product, 0,
                    static_cast<std::size_t>(params_.nprobe), parts_};
  if (params_.index_type == IndexKind::flat) return planned;
  if (params_.faiss_index_ivf_nlists) {
    planned.lists = static_cast<std::size_t>(*params_.faiss_index_ivf_nlists);
    if (planned.lists > rows) {
      throw user_error("hyperparameter faiss_index_ivf_nlists: {} lists of {} that are kept; give at most {}, or auto", planned.lists,
                       counted(rows, "row"), rows);
    }
  } else {
    planned.lists = std::max<std::size_t>(static_cast<std::size_t>(std::sqrt(static_cast<double>(rows))), 1);
    settings_.resolve_auto("faiss_index_ivf_nlists", std::to_string(planned.lists));
  }
  if (rows / planned.lists < kFewPerCentroid) {
    context_.log().warning(
        "{} for {} lists: with less than {} for each, their centroids are learnt badly; lower faiss_index_ivf_nlists, or give more rows",
        counted(rows, "row"), planned.lists, kFewPerCentroid);
  }
  if (planned.probes > planned.lists) context_.log().info("a query looks through all of the {}", counted(planned.lists, "list"));
  return planned;
}

void Trainer::warn_of_labels() const {
  if (params_.predictor_type != Task::classifier) return;
  std::set<float> distinct;
  float fraction = 0;
  for (const float label : reservoir_->labels()) {
    if (label != std::trunc(label)) fraction = label;
    if (distinct.size() <= kManyLabels) distinct.insert(label);
  }
  if (fraction == 0) return;
  context_.log().warning("labels such as {} are no whole numbers: each of {} values is a class of its own{}", format_number(fraction),
                         distinct.size() > kManyLabels ? fmt::format("more than {}", kManyLabels) : grouped(distinct.size()),
                         distinct.size() > kManyLabels ? "; predictor_type=regressor averages numbers" : "");
}

// Columns of large numbers decide alone what is near.
void Trainer::warn_of_scales() {
  std::vector<double> all{static_cast<double>(spread_.rows)};
  all.insert(all.end(), spread_.sums.begin(), spread_.sums.end());
  all.insert(all.end(), spread_.squares.begin(), spread_.squares.end());
  workers_.allreduce(all);
  const std::size_t d = spread_.sums.size();
  double least = std::numeric_limits<double>::infinity(), most = 0;
  std::size_t least_column = 0, most_column = 0;
  for (std::size_t j = 0; j < d && all[0] > 0; ++j) {
    const double mean = all[1 + j] / all[0], variance = all[1 + d + j] / all[0] - mean * mean;
    if (!(variance > 1e-12 * mean * mean)) continue;
    const double deviation = std::sqrt(variance);
    if (deviation < least) least = deviation, least_column = j;
    if (deviation > most) most = deviation, most_column = j;
  }
  if (!(most > kManyScales * least)) return;
  context_.log().warning(
      "feature {} varies {:.3g} times as much as feature {} (standard deviations {:.3g} and {:.3g}), and weighs as much more in what "
      "is near; where features are of different kinds, bring them to one scale beforehand",
      most_column, most / least, least_column, most, least);
}

// How many of the true neighbours an approximate index finds, of rows of the sample itself, which are not counted as their own.
void Trainer::report_recall(const Index& index) const {
  const RowBlock rows = reservoir_->rows();
  const auto k = static_cast<std::size_t>(params_.k);
  if (index.kind == IndexKind::flat || rows.rows <= k) return;
  const std::size_t n = std::min(kRecallRows, rows.rows);
  std::vector<float> queries(n * rows.d);
  std::vector<std::size_t> own(n);
  for (std::size_t i = 0; i < n; ++i) {
    own[i] = i * rows.rows / n;
    std::copy_n(rows.row(own[i]), rows.d, queries.data() + i * rows.d);
  }
  const Mat x = backend_.allocate(n, rows.d, compute::DType::f32);
  backend_.write(backend_.main_queue(), x, queries.data());
  Index exact;
  exact.closeness = index.closeness;
  exact.d = rows.d;
  exact.rows = rows.rows;
  exact.vectors = rows;
  const Neighbours truth = Searcher(backend_, exact).find(x, k + 1), found = Searcher(backend_, index).find(x, k + 1);
  const auto others = [&](const Neighbours& all, std::size_t i) {
    std::vector<std::int64_t> ids;
    for (std::size_t j = 0; j <= k && ids.size() < k; ++j) {
      const std::int64_t id = all.ids[i * (k + 1) + j];
      if (id >= 0 && id != static_cast<std::int64_t>(own[i])) ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  std::size_t hits = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::vector<std::int64_t> a = others(truth, i), b = others(found, i);
    std::vector<std::int64_t> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    hits += both.size();
  }
  const double recall = static_cast<double>(hits) / static_cast<double>(n * k);
  context_.log().info("recall@{} against an exact search, of {} rows of the sample, {} of {} lists looked through: {:.4f}", k, n,
                      index.probes, index.lists(), recall);
  context_.metrics().quality({"train", "recall", recall, false, {}, {}});
}

// The first process has made the model, since others may have other last digits; all of them score it.
std::unique_ptr<KnnPredictor> Trainer::share(std::unique_ptr<KnnPredictor> model) {
  if (workers_.size() == 1) return model;
  std::string bytes;
  if (model != nullptr) {
    job::Model saved;
    model->save(saved);
    std::vector<formats::NamedTensor> parts = std::move(saved.tensors);
    for (auto& [name, content] : saved.files) {
      const std::uint64_t size = content.size();
      parts.push_back({name, "U8", {size}, std::move(content)});
    }
    bytes = formats::write_safetensors(parts);
  }
  double size = static_cast<double>(bytes.size());
  workers_.allreduce(std::span(&size, 1));
  bytes.resize(static_cast<std::size_t>(size));
  workers_.broadcast(std::as_writable_bytes(std::span(bytes)), 0);
  if (model != nullptr) return model;
  job::Model received;
  for (formats::NamedTensor& part : formats::read_safetensors(bytes, "the model")) {
    if (part.dtype == "U8") received.files[part.name] = std::move(part.data);
    else received.tensors.push_back(std::move(part));
  }
  return load(received);
}

void Trainer::score(const KnnPredictor& model) {
  if (!context_.has_channel("test")) {
    context_.log().detail("Test data is not provided.");
    return;
  }
  const job::Timed timed(context_.metrics(), "score.time");
  const Knowledge& knows = model.knowledge();
  Score scores(knows.task, ks_to_try(knows.k, knows.index.rows), knows.k);
  const std::size_t most = scores.ks().back();
  RowShaper shaper(backend_, knows.shape);
  Searcher searcher(backend_, knows.index);
  std::vector<float> labels;
  const auto add = [&](const formats::Batch& batch) {
    if (batch.rows > 0 && (batch.labels == nullptr || batch.label_width != 1)) {
      throw user_error("channel test: {} bears {} labels; knn needs one", batch.where(0),
                       batch.labels == nullptr ? 0 : batch.label_width);
    }
    shaper.for_each(batch, [&](const Mat& x, std::size_t first) {
      const Neighbours found = searcher.find(x, most);
      for (std::size_t i = 0; i < x.rows; ++i) {
        labels.clear();
        for (std::size_t j = 0; j < most && found.ids[i * most + j] >= 0; ++j)
          labels.push_back(knows.labels[static_cast<std::size_t>(found.ids[i * most + j])]);
        scores.add(batch.labels[first + i], labels);
      }
    });
  };
  if (passes_->stopped() ||
      !passes_->read_channel(*this, "test", {static_cast<std::size_t>(params_.mini_batch_size), 1, knows.shape.feature_dim, {}}, add)) {
    context_.log().info("the test channel is not scored: the run was stopped");
    return;
  }
  scores.combine(workers_);
  const bool classifies = knows.task == Task::classifier;
  std::string sweep;
  for (std::size_t i = 0; i < scores.ks().size(); ++i)
    sweep += fmt::format("{}{}: {:.6g}", i == 0 ? "" : ", ", scores.ks()[i], scores.value(i));
  context_.log().info("{} by k: {}", classifies ? "accuracy" : "mse", sweep);
  job::Quality quality{"test", classifies ? "accuracy" : "mse", scores.value_of_k(), !classifies, {}, {}};
  quality.also_score = true;
  context_.metrics().quality(quality);
  if (!classifies) return;
  quality.name = "macro_f_1.000";
  quality.value = scores.macro_f1();
  context_.metrics().quality(quality);
}

}  // namespace smtrain::knn
