#include "algos/linear_learner/predictor.h"

#include <algorithm>
#include <cmath>

#include "algos/linear_learner/artifact.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/text.h"
#include "job/staging.h"

namespace smtrain::linear {
namespace {

using compute::DType;
using compute::Mat;
using formats::Batch;
using formats::NamedTensor;

struct LinearScratch final : job::Predictor::Scratch {
  explicit LinearScratch(compute::Backend& backend) : staging(backend) {}
  job::DenseStaging staging;
  Mat weights;                  // (classes, d); made when dense rows come
  Mat scores;
  std::vector<float> by_feature;  // (d, classes); made when sparse rows come
  std::vector<float> f;
};

// z (n, classes) = x wᵀ of dense rows.
void multiply_dense(compute::Backend& backend, const Batch& batch, const LinearModel& model, LinearScratch& scratch, float* z) {
  compute::Queue& queue = backend.main_queue();
  if (scratch.weights.empty()) {
    scratch.weights = backend.allocate(model.classes, model.d, DType::f32);
    backend.write(queue, scratch.weights, model.weights.data());
  }
  if (scratch.scores.rows < batch.rows) scratch.scores = backend.allocate(batch.rows, model.classes, DType::f32);
  scratch.staging.for_each(batch, [&](const Mat& x, std::size_t first) {
    backend.gemm(queue, false, true, 1, x, scratch.weights, 0, scratch.scores.row_range(first, x.rows));
  });
  backend.read(queue, z, scratch.scores.row_range(0, batch.rows));
}

// z (1, classes) of one sparse row, summed in double in the order of its features.
void multiply_row(const Batch& batch, std::size_t row, const float* by_feature, std::vector<double>& sums, float* z) {
  std::fill(sums.begin(), sums.end(), 0.0);
  for (std::uint64_t k = batch.indptr[row] - batch.indptr[0]; k < batch.indptr[row + 1] - batch.indptr[0]; ++k) {
    const double x = batch.values[k];
    const float* w = by_feature + batch.indices[k] * sums.size();
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += x * static_cast<double>(w[c]);
  }
  std::transform(sums.begin(), sums.end(), z, [](double sum) { return static_cast<float>(sum); });
}

// z (n, classes) = x wᵀ of sparse rows.
void multiply_sparse(const Batch& batch, const LinearModel& model, int threads, LinearScratch& scratch, float* z) {
  if (scratch.by_feature.empty()) {
    scratch.by_feature.resize(model.weights.size());
    for (std::size_t c = 0; c < model.classes; ++c) {
      for (std::size_t j = 0; j < model.d; ++j) scratch.by_feature[j * model.classes + c] = model.weights[c * model.d + j];
    }
  }
  constexpr std::size_t kFewRows = 256;  // not worth a team
  const std::size_t team = std::clamp<std::size_t>(batch.rows / kFewRows, 1, static_cast<std::size_t>(std::max(threads, 1)));
  std::vector<std::vector<double>> sums(team, std::vector<double>(model.classes));
  run_team(static_cast<int>(team), [&](int member) {
    const std::size_t m = static_cast<std::size_t>(member);
    for (std::size_t i = batch.rows * m / team; i < batch.rows * (m + 1) / team; ++i) {
      multiply_row(batch, i, scratch.by_feature.data(), sums[m], z + i * model.classes);
    }
  });
}

void answer_one(const LinearModel& model, const std::vector<float>& f, formats::Prediction& out) {
  const bool binary = model.predictor_type == PredictorType::binary_classifier;
  out.columns.resize(binary ? 2 : 1);
  formats::PredictionColumn& score = out.columns[0];
  score.name = "score";
  score.values.resize(out.rows);
  std::transform(f.begin(), f.end(), score.values.begin(), [&](float x) { return answer_of(model.loss, x); });
  if (!binary) return;
  formats::PredictionColumn& label = out.columns[1];
  label.values.resize(out.rows);
  std::transform(score.values.begin(), score.values.end(), label.values.begin(),
                 [&](float answer) { return is_positive(answer, model.threshold) ? 1.0f : 0.0f; });
}

void answer_several(const LinearModel& model, const std::vector<float>& f, formats::Prediction& out) {
  out.columns.resize(2);
  formats::PredictionColumn& score = out.columns[0];
  formats::PredictionColumn& label = out.columns[1];
  score.name = "score";
  score.width = model.classes;
  score.list = true;
  score.values = f;
  label.values.resize(out.rows);
  for (std::size_t i = 0; i < out.rows; ++i) {
    label.values[i] = static_cast<float>(best_class({f.data() + i * model.classes, model.classes}));
    softmax({score.values.data() + i * model.classes, model.classes});
  }
}

// ---- loading ------------------------------------------------------------------------------------------------------------

void check_finite(const LinearModel& model, const std::string& member) {
  const auto finite = [](const std::vector<float>& numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [](float w) { return std::isfinite(w); });
  };
  if (!finite(model.weights) || !finite(model.bias)) {
    throw user_error("{}: holds weights that are not finite; the model is damaged", member);
  }
}

const std::string& service_member(const job::Model& model) {
  const auto found = model.files.find(kServiceMember);
  if (found == model.files.end()) throw user_error("the tarball has no {}; not a model of linear-learner", kServiceMember);
  return found->second;
}

LinearModel load_own(const job::Model& saved) {
  const NamedTensor* weights = saved.tensor("weights");
  const NamedTensor* bias = saved.tensor("bias");
  if (weights == nullptr || weights->shape.size() != 2 || weights->elements() == 0 || bias == nullptr) {
    throw user_error(
        "model.safetensors: tensors \"weights\" of two dimensions and \"bias\" are missing; not a model of linear-learner");
  }
  if (bias->elements() != weights->shape[0]) {
    throw user_error("model.safetensors: weights ({}) and bias ({}) do not agree; the model is damaged",
                     formats::shape_text(weights->shape), formats::shape_text(bias->shape));
  }
  LinearModel model;
  model.classes = weights->shape[0];
  model.d = weights->shape[1];
  model.weights = weights->as_f32();
  model.bias = bias->as_f32();
  for (const NamedTensor& tensor : saved.tensors) {
    if (&tensor != weights && &tensor != bias) model.continuation.push_back(tensor);
  }
  read_artifact_params(service_member(saved), kServiceMember, model);
  return model;
}

// ---- facts --------------------------------------------------------------------------------------------------------------

constexpr std::size_t kWeightsShown = 10, kClassesShown = 10;

std::string feature_name(const LinearModel& model, std::size_t j) {
  return model.columns.empty() ? fmt::format("feature {}", j) : model.columns[j];
}

// The largest weights of one class by size, with their features.
std::string largest_weights(const LinearModel& model, std::size_t c, std::size_t most) {
  const float* w = model.weights.data() + c * model.d;
  std::vector<std::size_t> order(model.d);
  for (std::size_t j = 0; j < model.d; ++j) order[j] = j;
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(most, model.d));
  std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(w[a]) != std::abs(w[b]) ? std::abs(w[a]) > std::abs(w[b]) : a < b;
  });
  std::string text;
  for (auto j = order.begin(); j != end; ++j) {
    if (w[*j] != 0) text += fmt::format("{}{} {:.6g}", text.empty() ? "" : ", ", feature_name(model, *j), w[*j]);
  }
  return text.empty() ? "none" : text;
}

std::string threshold_text(const LinearModel& model) {
  std::string text = format_number(model.threshold);
  if (model.criterion_value) text += fmt::format(" ({} {:.6g} where it was chosen)", model.criterion, *model.criterion_value);
  return text;
}

std::string chosen_text(const LinearModel& model) {
  std::string text;
  for (const auto& [name, value] : model.chosen) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  return text;
}

using Facts = std::vector<std::pair<std::string, std::string>>;

void add_class_facts(const LinearModel& model, Facts& facts) {
  for (std::size_t c = 0; c < std::min(model.classes, kClassesShown); ++c) {
    facts.emplace_back(fmt::format("class {}", c),
                       fmt::format("bias {:.6g}; {}", model.bias[c], largest_weights(model, c, kWeightsShown / 2)));
  }
  if (model.classes > kClassesShown) facts.emplace_back("further classes", std::to_string(model.classes - kClassesShown));
}

}  // namespace

LinearPredictor::LinearPredictor(LinearModel model) : model_(std::move(model)) {
  const bool several = model_.predictor_type == PredictorType::multiclass_classifier;
  if (model_.d == 0 || model_.weights.size() != model_.classes * model_.d || model_.bias.size() != model_.classes ||
      several != (model_.classes > 1) || (!model_.columns.empty() && model_.columns.size() != model_.d)) {
    throw internal_error("linear-learner: a model of {} classes and {} features with {} weights, {} biases and {} names",
                         model_.classes, model_.d, model_.weights.size(), model_.bias.size(), model_.columns.size());
  }
}

std::unique_ptr<job::Predictor::Scratch> LinearPredictor::make_scratch(compute::Backend& backend) const {
  return std::make_unique<LinearScratch>(backend);
}

void LinearPredictor::raw_scores(compute::Backend& backend, const Batch& batch, Scratch& scratch_base,
                                 std::vector<float>& f) const {
  auto& scratch = static_cast<LinearScratch&>(scratch_base);
  f.resize(batch.rows * model_.classes);
  if (batch.rows == 0) return;
  if (batch.sparse()) multiply_sparse(batch, model_, backend.device().threads, scratch, f.data());
  else multiply_dense(backend, batch, model_, scratch, f.data());
  for (std::size_t i = 0; i < batch.rows; ++i) {
    for (std::size_t c = 0; c < model_.classes; ++c) f[i * model_.classes + c] += model_.bias[c];
  }
}

void LinearPredictor::predict(compute::Backend& backend, const Batch& batch, const job::AnswerRequest&, Scratch& scratch_base,
                              formats::Prediction& out) const {
  auto& scratch = static_cast<LinearScratch&>(scratch_base);
  raw_scores(backend, batch, scratch, scratch.f);
  out.rows = batch.rows;
  if (model_.classes > 1) answer_several(model_, scratch.f, out);
  else answer_one(model_, scratch.f, out);
  if (out.columns.size() == 1) return;
  out.columns[1].name = "predicted_label";
  out.columns[1].integer = true;
}

void LinearPredictor::save(job::Model& model) const {
  model.tensors.push_back(NamedTensor::f32("weights", {model_.classes, model_.d}, model_.weights.data()));
  model.tensors.push_back(NamedTensor::f32("bias", {model_.classes}, model_.bias.data()));
  model.tensors.insert(model.tensors.end(), model_.continuation.begin(), model_.continuation.end());
  model.files[kServiceMember] = write_artifact(model_);
}

std::optional<job::Coefficients> LinearPredictor::coefficients() const {
  std::vector<float> numbers;
  for (std::size_t c = 0; c < model_.classes; ++c) {
    const auto first = model_.weights.begin() + static_cast<std::ptrdiff_t>(c * model_.d);
    numbers.insert(numbers.end(), first, first + static_cast<std::ptrdiff_t>(model_.d));
    numbers.push_back(model_.bias[c]);
  }
  std::vector<std::string> names = model_.columns;
  for (std::size_t j = names.size(); j < model_.d; ++j) names.push_back(fmt::format("f{}", j));
  names.push_back("bias");
  return job::Coefficients{NamedTensor::f32("coefficients", {model_.classes, model_.d + 1}, numbers.data()), std::move(names)};
}

std::vector<std::pair<std::string, std::string>> LinearPredictor::facts() const {
  Facts facts{{"predictor_type", name_of(model_.predictor_type)},
              {"loss", name_of(model_.loss)},
              {"feature_dim", std::to_string(model_.d)}};
  if (model_.classes > 1) facts.emplace_back("classes", std::to_string(model_.classes));
  if (model_.predictor_type == PredictorType::binary_classifier) facts.emplace_back("threshold", threshold_text(model_));
  if (!model_.chosen.empty()) facts.emplace_back("chosen", chosen_text(model_));
  const auto zeros = static_cast<std::uint64_t>(std::count(model_.weights.begin(), model_.weights.end(), 0.0f));
  facts.emplace_back("weights other than 0",
                     fmt::format("{} of {}", grouped(model_.weights.size() - zeros), grouped(model_.weights.size())));
  if (model_.classes > 1) {
    add_class_facts(model_, facts);
  } else {
    facts.emplace_back("bias", format_number(model_.bias[0]));
    facts.emplace_back("largest weights", largest_weights(model_, 0, kWeightsShown));
  }
  return facts;
}

std::unique_ptr<LinearPredictor> load(const job::Model& model) {
  const bool own = !model.manifest.algorithm.empty();
  LinearModel loaded = own ? load_own(model) : read_artifact(service_member(model), kServiceMember);
  check_finite(loaded, own ? "model.safetensors" : kServiceMember);
  return std::make_unique<LinearPredictor>(std::move(loaded));
}

bool recognises(const job::Model& model) {
  const auto member = model.files.find(kServiceMember);
  return member != model.files.end() && is_artifact(member->second);
}

}  // namespace smtrain::linear
