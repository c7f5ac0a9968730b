// From the settings to an empty sample, or to that of a model or a checkpoint.
#include <algorithm>
#include <cmath>

#include "algos/knn/training.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::knn {
namespace {

constexpr std::size_t kListedParts[] = {1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96};
constexpr std::size_t kMostDefaultParts = 16;

// Rows of the sample, then what is made of them: the index, and its file.
double bytes_per_row(const Params& params, std::size_t width) {
  const double copies = params.index_type == IndexKind::flat ? 2 : 3;
  return copies * static_cast<double>(width * sizeof(float)) + 32;
}

std::size_t rounded_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

}  // namespace

void Trainer::open() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  passes_.emplace(context_, job::PassPlan{"train", static_cast<std::size_t>(params_.mini_batch_size), 1,
                                          static_cast<std::size_t>(params_.feature_dim.value_or(0))});
  const formats::TableSchema& schema = passes_->schema();
  if (schema.label_width != 1) {
    throw user_error("channel train: rows bear {} labels; knn needs one{}",
                     schema.label_width == 0 ? "no" : std::to_string(schema.label_width),
                     schema.label_width == 0 ? ": the first column of a CSV file, or \"label\" of a record" : "; give label_size=1");
  }
  settings_.resolve_auto("feature_dim", std::to_string(schema.feature_dim));
  warn_of_idle_settings();
  resolve_shape();
  check_memory();
}

void Trainer::warn_of_idle_settings() const {
  const auto idle = [&](const char* name, const char* why) {
    const job::Settings::Setting* setting = settings_.find(name);
    if (setting != nullptr && !setting->given.empty()) context_.log().warning("hyperparameter {} has no effect: {}", name, why);
  };
  if (params_.index_type == IndexKind::flat) {
    idle("faiss_index_ivf_nlists", "index_type is faiss.Flat");
    idle("_faiss_index_nprobe", "index_type is faiss.Flat");
  }
  if (params_.index_type != IndexKind::ivf_pq) idle("faiss_index_pq_m", "index_type is not faiss.IVFPQ");
}

// The parts of a code must divide the width: projected rows are made wider, others are padded with zeros.
void Trainer::resolve_shape() {
  const std::size_t d = passes_->schema().feature_dim;
  shape_ = {params_.dimension_reduction_type, d, d, d, context_.seed(), params_.index_metric == Metric::cosine};
  if (params_.dimension_reduction_type != Reduction::none) {
    shape_.target = static_cast<std::size_t>(params_.dimension_reduction_target);
    if (shape_.target >= d)
      throw user_error("hyperparameter dimension_reduction_target: is {}; rows have {} features, and must become shorter", shape_.target,
                       d);
  }
  shape_.width = shape_.target;
  if (params_.index_type != IndexKind::ivf_pq) return;
  parts_ = static_cast<std::size_t>(params_.faiss_index_pq_m);
  const auto listed = [&](std::size_t m) {
    return std::find(std::begin(kListedParts), std::end(kListedParts), m) != std::end(kListedParts);
  };
  if (parts_ == 0) {
    for (const std::size_t m : kListedParts) {
      if (m <= std::min(kMostDefaultParts, shape_.target)) parts_ = m;
    }
    settings_.resolve_auto("faiss_index_pq_m", std::to_string(parts_));
  } else if (!listed(parts_)) {
    context_.log().warning("faiss_index_pq_m {} is none of the values that faiss takes on a GPU", parts_);
  }
  shape_.width = rounded_up(shape_.target, parts_);
  if (shape_.width == shape_.target) return;
  if (shape_.reduction != Reduction::none && shape_.width < d) {
    context_.log().info("dimension_reduction_target is raised from {} to {}, a multiple of faiss_index_pq_m", shape_.target,
                        shape_.width);
    shape_.target = shape_.width;
  } else {
    context_.log().info("rows of {} numbers are padded with zeros to {}, a multiple of faiss_index_pq_m", shape_.target, shape_.width);
  }
}

void Trainer::check_memory() const {
  const double per_row = bytes_per_row(params_, shape_.width), need = per_row * static_cast<double>(params_.sample_size);
  const std::uint64_t limit = context_.memory_limit();
  const auto share = params_.sample_size / workers_.size();
  context_.log().detail(
      "Using per-worker sample size = {} (Available virtual memory = {} bytes, GPU free memory = {} bytes, number of workers = {}). "
      "If an out-of-memory error occurs, decrease sample_size or reduce the dimension.",
      share, limit, backend_.device().kind == "cpu" ? 0 : backend_.device().memory, workers_.size());
  context_.log().info("a sample of {} of {} numbers takes {} of memory at most",
                      counted(static_cast<std::uint64_t>(params_.sample_size), "row"), shape_.width,
                      format_bytes(static_cast<std::uint64_t>(need)));
  if (need <= static_cast<double>(limit)) return;
  const auto fits = static_cast<std::uint64_t>(static_cast<double>(limit) / per_row);
  throw user_error(
      "hyperparameter sample_size: {} rows × {} numbers × 4 bytes, with the index made of them, need {} of memory; the limit is {}: "
      "give sample_size={} or less{}, or raise --memory-limit",
      params_.sample_size, shape_.width, format_bytes(static_cast<std::uint64_t>(need)), format_bytes(limit), fits,
      shape_.reduction == Reduction::none ? ", a dimension_reduction_type" : "");
}

void Trainer::start() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  const job::State* state = context_.resumed();
  if (state != nullptr) shape_.seed = state->count("knn.projection_seed");
  const auto slots = static_cast<std::size_t>(params_.sample_size);
  if (workers_.is_root()) reservoir_.emplace(slots, shape_.width);
  if (context_.start_model() != nullptr && state == nullptr) start_from_model();
  if (state != nullptr) {
    seen_ = state->count("knn.seen");
    if (reservoir_) reservoir_->restore(*state);
  }
  draws_.emplace(context_.random("knn.reservoir"), slots);
  shaper_.emplace(backend_, shape_);
}

void Trainer::check_start_model(const Knowledge& before) const {
  const Shape& shape = before.shape;
  if (shape.feature_dim != shape_.feature_dim) {
    throw user_error("--model: was trained on {} features, the train channel has {}", shape.feature_dim, shape_.feature_dim);
  }
  if (shape.reduction != shape_.reduction || shape.target != shape_.target || shape.width != shape_.width ||
      shape.unit_length != shape_.unit_length) {
    throw user_error(
        "--model: keeps its rows in another shape; give the dimension_reduction_type, dimension_reduction_target and index_metric that "
        "it was "
        "trained with");
  }
  if (before.index.kind == IndexKind::ivf_pq) {
    throw user_error(
        "--model: a model of faiss.IVFPQ keeps codes, not rows, and cannot go on; train faiss.Flat or faiss.IVFFlat where more rows are "
        "to come");
  }
  if (before.rows_seen == 0 || before.positions.empty()) {
    throw user_error(
        "--model: does not say which sample of how many rows it is (rows_seen in model_algo-1.json, tensor \"positions\"): a model of "
        "the "
        "service cannot go on");
  }
  const auto slots = static_cast<std::uint64_t>(params_.sample_size);
  if (before.rows_seen > before.index.rows && slots > before.index.rows) {
    throw user_error(
        "--model: keeps {} of the {} rows it has seen; sample_size {} would favour the rows to come: give sample_size={} or less",
        before.index.rows, before.rows_seen, slots, before.index.rows);
  }
}

// The sample goes on as if the rows of both trainings had come in one. A smaller one is drawn from the larger.
void Trainer::start_from_model() {
  const std::unique_ptr<KnnPredictor> model = load(*context_.start_model());
  const Knowledge& before = model->knowledge();
  check_start_model(before);
  shape_.seed = before.shape.seed;
  seen_ = before.rows_seen;
  if (!reservoir_) return;
  const std::size_t rows = before.index.rows, slots = static_cast<std::size_t>(params_.sample_size);
  std::vector<std::uint64_t> place(rows);  // of each row, in vectors
  for (std::size_t at = 0; at < rows; ++at)
    place[before.index.kind == IndexKind::flat ? at : static_cast<std::size_t>(before.index.ids[at])] = at;
  std::vector<std::uint64_t> kept(rows);
  for (std::size_t i = 0; i < rows; ++i) kept[i] = i;
  if (slots < rows) {
    RandomStream random = context_.random("knn.smaller");
    kept = random.sample_without_replacement(rows, slots);
    std::sort(kept.begin(), kept.end());
  }
  for (std::size_t slot = 0; slot < kept.size(); ++slot) {
    const auto row = static_cast<std::size_t>(kept[slot]);
    reservoir_->put(slot, before.index.vectors.row(static_cast<std::size_t>(place[row])), before.labels[row],
                    static_cast<std::uint64_t>(before.positions[row]));
  }
}

}  // namespace smtrain::knn
