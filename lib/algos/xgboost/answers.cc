#include "algos/xgboost/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "algos/xgboost/batch_arrays.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

struct Key {
  const char* name;
  const char* help;
};
constexpr Key kKeys[] = {
    {"predicted_label", "The class."},
    {"labels", "All classes."},
    {"probability", "Of class 1, or of the predicted class where there are more."},
    {"probabilities", "Of all classes."},
    {"raw_score", "The score of class 1, or of the predicted class where there are more."},
    {"raw_scores", "The scores of all classes."},
    {"predicted_score", "The value, where no class is predicted."},
    {"contribs", "What each feature adds to the margin (SHAP values), the bias last; their sum is the margin."},
};

std::string prediction_config(PredictionType type) {
  return fmt::format(R"({{"type":{},"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true,"missing":NaN,"cache_id":0}})",
                     static_cast<int>(type));
}

std::size_t first_largest(const float* values, std::size_t count) {
  return static_cast<std::size_t>(std::max_element(values, values + count) - values);
}

// For boosters, and kinds of answers, that the engine gives for matrices of its own alone.
DMatrix matrix_of(const Library& library, const formats::Batch& batch, std::size_t columns) {
  Handle handle = nullptr;
  const char* const config = R"({"missing":NaN,"nthread":1})";
  if (batch.sparse()) {
    const CsrArrays arrays(batch);
    library.check(library.calls().matrix_from_csr(arrays.indptr.c_str(), arrays.indices.c_str(), arrays.values.c_str(), columns, config, &handle),
                  Fault::internal);
  } else {
    library.check(library.calls().matrix_from_dense(dense_array(batch.dense, batch.rows, columns, batch.ld).c_str(), config, &handle),
                  Fault::internal);
  }
  return {library, handle};
}

// The number that most rows of `votes` (models, n) have at each place; the lowest of equals.
void count_votes(std::span<const std::vector<float>> votes, std::vector<float>& to) {
  to.resize(votes.front().size());
  std::vector<float> at(votes.size());
  for (std::size_t i = 0; i < to.size(); ++i) {
    for (std::size_t m = 0; m < votes.size(); ++m) at[m] = votes[m][i];
    std::sort(at.begin(), at.end());
    std::size_t most = 0;
    for (std::size_t first = 0, end; first < at.size(); first = end) {
      end = static_cast<std::size_t>(std::upper_bound(at.begin() + static_cast<std::ptrdiff_t>(first), at.end(), at[first]) - at.begin());
      if (end - first > most) {
        most = end - first;
        to[i] = at[first];
      }
    }
  }
}

}  // namespace

struct Answers::Work final : job::Predictor::Scratch {
  std::vector<float> values, margins, contribs;   // of all models together
  std::vector<std::vector<float>> single;         // of each
  DMatrix matrix;                                 // of the batch under way, once it is needed
};

Answers::Answers(std::vector<Booster> models) : models_(std::move(models)) {
  if (models_.empty()) throw internal_error("answers without a model");
  features_ = static_cast<std::size_t>(models_.front().features());
  settle(models_.front().config());
  for (const Booster& model : models_) {
    if (model.features() != features_) {
      throw user_error("models of {} and {} features cannot answer together", features_, model.features());
    }
  }
}

void Answers::settle(const std::string& config) {
  const auto json = nlohmann::json::parse(config, nullptr, false);
  const auto text = [&](const char* path) {
    const nlohmann::json::json_pointer pointer(path);
    return json.is_object() && json.contains(pointer) && json.at(pointer).is_string() ? json.at(pointer).get<std::string>() : std::string();
  };
  objective_ = text("/learner/objective/name");
  booster_ = text("/learner/gradient_booster/name");
  if (objective_.empty() || booster_.empty()) throw internal_error("the configuration of a booster names no objective or booster");
  const std::string classes = text("/learner/learner_model_param/num_class");
  classes_ = objective_.starts_with("binary:") ? 2 : static_cast<std::size_t>(std::strtoul(classes.c_str(), nullptr, 10));
  const std::pair<const char*, Family> families[] = {{"binary:logistic", Family::logistic}, {"binary:logitraw", Family::logitraw},
                                                     {"binary:hinge", Family::hinge}, {"multi:softmax", Family::softmax},
                                                     {"multi:softprob", Family::softprob}};
  for (const auto& [name, family] : families) {
    if (objective_ == name) family_ = family;
  }
}

std::unique_ptr<job::Predictor::Scratch> Answers::make_scratch(compute::Backend& backend) const {
  std::call_once(threads_set_, [&] {
    for (Booster& model : models_) model.set("nthread", std::to_string(std::max(1, backend.device().threads)));
  });
  auto work = std::make_unique<Work>();
  work->single.resize(models_.size());
  return work;
}

bool Answers::answers(std::string_view column) const {
  if (column == "contribs") return true;
  if (column == "predicted_score") return family_ == Family::value;
  if (column.starts_with("probabilit")) return family_ == Family::logistic || family_ == Family::softprob;
  return family_ != Family::value;
}

std::vector<job::AnswerColumn> Answers::columns() const {
  std::vector<job::AnswerColumn> columns;
  for (const Key& key : kKeys) columns.push_back({key.name, key.help, answers(key.name)});
  return columns;
}

void Answers::run(std::size_t model, const formats::Batch& batch, PredictionType type, Work& work, std::vector<float>& to) const {
  const Booster& booster = models_[model];
  const Calls& calls = booster.library().calls();
  const std::string config = prediction_config(type);
  const Length* shape = nullptr;
  Length dimensions = 0;
  const float* values = nullptr;
  int result;
  if (booster_ != "gbtree" || type == PredictionType::contributions) {
    if (work.matrix.handle() == nullptr) work.matrix = matrix_of(booster.library(), batch, features_);
    result = calls.booster_predict(booster.handle(), work.matrix.handle(), config.c_str(), &shape, &dimensions, &values);
  } else if (batch.sparse()) {
    const CsrArrays arrays(batch);
    result = calls.booster_predict_csr(booster.handle(), arrays.indptr.c_str(), arrays.indices.c_str(), arrays.values.c_str(), features_,
                                       config.c_str(), nullptr, &shape, &dimensions, &values);
  } else {
    result = calls.booster_predict_dense(booster.handle(), dense_array(batch.dense, batch.rows, features_, batch.ld).c_str(), config.c_str(),
                                         nullptr, &shape, &dimensions, &values);
  }
  booster.library().check(result, Fault::internal);
  std::size_t count = 1;
  for (Length d = 0; d < dimensions; ++d) count *= static_cast<std::size_t>(shape[d]);
  to.assign(values, values + count);
}

const std::vector<float>& Answers::scores(const formats::Batch& batch, PredictionType type, std::size_t models, Work& work,
                                          std::vector<float>& to) const {
  if (!to.empty()) return to;
  if (models == 1) {
    run(0, batch, type, work, to);
    return to;
  }
  for (std::size_t m = 0; m < models; ++m) run(m, batch, type, work, work.single[m]);
  if (type == PredictionType::value && votes()) {
    count_votes({work.single.data(), models}, to);
    return to;
  }
  to.resize(work.single[0].size());
  for (std::size_t i = 0; i < to.size(); ++i) {
    double sum = 0;
    for (std::size_t m = 0; m < models; ++m) sum += work.single[m][i];
    to[i] = static_cast<float>(sum / static_cast<double>(models));
  }
  return to;
}

void Answers::predict(const formats::Batch& batch, const job::AnswerRequest& wanted, job::Predictor::Scratch& scratch,
                      formats::Prediction& out) const {
  auto& work = static_cast<Work&>(scratch);
  if (batch.cols > features_ || (!batch.sparse() && batch.cols != features_)) {
    throw internal_error("rows of {} features for a model of {}", batch.cols, features_);
  }
  work.values.clear();
  work.margins.clear();
  work.contribs.clear();
  const std::size_t models = wanted.ensemble ? models_.size() : 1;
  out.rows = batch.rows;
  out.columns.resize(std::max<std::size_t>(1, wanted.columns.size()));
  if (wanted.columns.empty()) {
    formats::PredictionColumn& column = out.columns.front();
    column = {"score", 1, false, {}};
    column.values = scores(batch, PredictionType::value, models, work, work.values);
    column.width = batch.rows == 0 ? 1 : column.values.size() / batch.rows;
    column.list = column.csv_cell = column.width > 1;
  }
  for (std::size_t i = 0; i < wanted.columns.size(); ++i) {
    out.columns[i] = {wanted.columns[i], 1, false, {}};
    fill(wanted.columns[i], batch, models, work, out.columns[i]);
  }
  work.matrix = DMatrix();
}

void Answers::fill(const std::string& name, const formats::Batch& batch, std::size_t models, Work& work,
                   formats::PredictionColumn& column) const {
  const std::size_t n = batch.rows;
  if (!answers(name)) {
    column.values.assign(n, kNone);
    return;
  }
  if (name == "contribs") {
    column.values = scores(batch, PredictionType::contributions, models, work, work.contribs);
    column.width = n == 0 ? features_ + 1 : column.values.size() / n;
    column.list = column.csv_cell = true;
    return;
  }
  const std::vector<float>& score = scores(batch, PredictionType::value, models, work, work.values);
  const bool all = name == "labels" || name == "probabilities" || name == "raw_scores";
  const bool many = family_ == Family::softmax || family_ == Family::softprob;
  column.width = all ? classes_ : 1;
  column.list = column.csv_cell = all;
  column.values.resize(n * column.width);
  column.integer = name == "labels" || (name == "predicted_label" && !votes());
  // What stands for each class: probabilities, or margins of multi:softmax, whose value is a class.
  const bool by_margin = family_ == Family::softmax && name.starts_with("raw_");
  const std::vector<float>& by_class = by_margin ? scores(batch, PredictionType::margin, models, work, work.margins) : score;
  for (std::size_t i = 0; i < n; ++i) {
    float* const to = column.values.data() + i * column.width;
    const float s = family_ == Family::softprob ? kNone : score[i];
    const float* const row = by_class.data() + i * classes_;
    if (name == "labels") {
      for (std::size_t c = 0; c < classes_; ++c) to[c] = static_cast<float>(c);
    } else if (name == "predicted_label") {
      if (family_ == Family::softprob) *to = static_cast<float>(first_largest(row, classes_));
      else *to = votes() ? s : s > (family_ == Family::logitraw ? 0.0f : 0.5f) ? 1.0f : 0.0f;
    } else if (all) {
      if (many) std::copy_n(row, classes_, to);
      else to[0] = family_ == Family::logitraw ? -s : 1.0f - s, to[1] = s;
    } else if (family_ == Family::softprob) {
      *to = *std::max_element(row, row + classes_);
    } else {
      *to = family_ == Family::softmax ? row[static_cast<std::size_t>(s)] : s;
    }
  }
}

}  // namespace smtrain::xgboost
