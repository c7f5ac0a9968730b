#include <algorithm>
#include <cmath>
#include <numeric>

#include "algos/factorization_machines/predictor.h"
#include "algos/factorization_machines/sparse_rows.h"
#include "base/text.h"

namespace smtrain::fm {
namespace {

using compute::DType;
using compute::Mat;

constexpr std::size_t kPieceNumbers = std::size_t{4} << 20;  // of sums of factors, or of candidates' scores, at a time

std::size_t piece_rows(std::size_t width) { return std::max<std::size_t>(kPieceNumbers / std::max<std::size_t>(width, 1), 16); }

float probability(float f) { return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(f)))); }

struct FmScratch final : job::Predictor::Scratch {
  FmScratch(compute::Backend& backend, const Weights& weights)
      : loader(backend), p(backend.stage(backend.main_queue(), weights.rows->data(), weights.d, weights.k + 1, weights.k + 1, weights.rows)) {}

  /// Room for `rows` rows of k factors.
  void reserve(compute::Backend& backend, std::size_t rows, std::size_t k) {
    if (s.rows >= rows) return;
    s = backend.allocate(rows, k, DType::f32);
    z = backend.allocate(rows, 1, DType::f32);
  }

  RowLoader loader;
  Mat p, s, z, pairs;
  std::vector<float> f, linear, crossed;
  std::vector<std::uint32_t> order;
};

}  // namespace

std::unique_ptr<job::Predictor::Scratch> FmPredictor::make_scratch(compute::Backend& backend) const {
  return std::make_unique<FmScratch>(backend, weights_);
}

void FmPredictor::scores(compute::Backend& backend, const formats::Batch& batch, Scratch& scratch_base, std::vector<float>& f) const {
  auto& scratch = static_cast<FmScratch&>(scratch_base);
  const std::size_t most = std::min(piece_rows(weights_.k), std::max<std::size_t>(batch.rows, 1));
  scratch.reserve(backend, most, weights_.k);
  f.resize(batch.rows);
  scratch.loader.for_each(batch, most, [&](const compute::Backend::SparseRows& x, std::size_t first, std::size_t count) {
    const Mat z = scratch.z.row_range(0, count);
    backend.factor_scores(backend.main_queue(), x, scratch.p, scratch.s.row_range(0, count), z);
    backend.read(backend.main_queue(), f.data() + first, z);
  });
  for (float& value : f) value += weights_.w0;
}

void FmPredictor::predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest&,
                          Scratch& scratch_base, formats::Prediction& out) const {
  auto& scratch = static_cast<FmScratch&>(scratch_base);
  scores(backend, batch, scratch_base, scratch.f);
  out.rows = batch.rows;
  out.columns.resize(task_ == Task::regressor ? 1 : 2);
  out.columns[0].name = "score";
  std::vector<float>& score = out.columns[0].values;
  score = scratch.f;
  if (task_ == Task::regressor) return;
  std::transform(score.begin(), score.end(), score.begin(), probability);
  formats::PredictionColumn& label = out.columns[1];
  label.name = "predicted_label";
  label.integer = true;
  label.values.resize(batch.rows);
  std::transform(score.begin(), score.end(), label.values.begin(), [](float p) { return p >= 0.5f ? 1.0f : 0.0f; });
}

// With x_i = 1 of a candidate i the score of the other features grows by w_i + <s, v_i>.
void FmPredictor::rank(compute::Backend& backend, const formats::Batch& batch, const job::Candidates& candidates, Scratch& scratch_base,
                       formats::Prediction& out) const {
  auto& scratch = static_cast<FmScratch&>(scratch_base);
  compute::Queue& queue = backend.main_queue();
  const std::size_t k = weights_.k, count = candidates.last - candidates.first + 1, top = std::min(candidates.top, count);
  const std::size_t most = std::min(std::min(piece_rows(count), piece_rows(k)), std::max<std::size_t>(batch.rows, 1));
  scratch.reserve(backend, most, k);
  if (scratch.pairs.rows < most || scratch.pairs.cols != count) scratch.pairs = backend.allocate(most, count, DType::f32);
  Mat v = scratch.p.row_range(candidates.first, count);
  v.cols = k;
  out.rows = batch.rows;
  out.columns.resize(2);
  out.columns[0] = {"items", top, true, std::vector<float>(batch.rows * top), true};
  out.columns[1] = {"scores", top, true, std::vector<float>(batch.rows * top), false};
  scratch.order.resize(count);
  scratch.f.resize(most);
  scratch.crossed.resize(most * count);
  const auto keep = [&](std::uint32_t feature) { return feature < candidates.first || feature > candidates.last; };
  scratch.loader.for_each(batch, most, [&](const compute::Backend::SparseRows& x, std::size_t first, std::size_t rows) {
    const Mat s = scratch.s.row_range(0, rows), z = scratch.z.row_range(0, rows), pairs = scratch.pairs.row_range(0, rows);
    backend.factor_scores(queue, x, scratch.p, s, z);
    backend.gemm(queue, false, true, 1.0, s, v, 0.0, pairs);
    backend.read(queue, scratch.f.data(), z);
    backend.read(queue, scratch.crossed.data(), pairs);
    for (std::size_t i = 0; i < rows; ++i) {
      float* score = scratch.crossed.data() + i * count;
      for (std::size_t c = 0; c < count; ++c) score[c] += weights_.w0 + scratch.f[i] + (*weights_.rows)[(candidates.first + c) * (k + 1) + k];
      std::iota(scratch.order.begin(), scratch.order.end(), 0u);
      std::partial_sort(scratch.order.begin(), scratch.order.begin() + static_cast<std::ptrdiff_t>(top), scratch.order.end(),
                        [&](std::uint32_t a, std::uint32_t b) { return score[a] != score[b] ? score[a] > score[b] : a < b; });
      for (std::size_t t = 0; t < top; ++t) {
        const std::size_t at = (first + i) * top + t;
        const float f = score[scratch.order[t]];
        out.columns[0].values[at] = static_cast<float>(candidates.first + scratch.order[t]);
        out.columns[1].values[at] = task_ == Task::regressor ? f : probability(f);
      }
    }
  }, keep);
}

std::vector<std::pair<std::string, std::string>> FmPredictor::facts() const {
  std::vector<std::pair<std::string, std::string>> facts{
      {"predicts", task_ == Task::regressor ? "a number" : "whether a label is 1"},
      {"factors", std::to_string(weights_.k)},
      {"feature_dim", std::to_string(weights_.d)},
      {"bias", format_number(weights_.w0)}};
  if (moments_) facts.emplace_back("mini-batches trained", grouped(moments_->steps));
  return facts;
}

}  // namespace smtrain::fm
