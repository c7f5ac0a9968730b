#include "algos/xgboost/booster.h"

#include <fmt/format.h>

#include <utility>

namespace smtrain::xgboost {

Booster::Booster(const Library& library, std::span<const DMatrix* const> matrices) : library_(&library) {
  std::vector<Handle> handles;
  for (const DMatrix* matrix : matrices) handles.push_back(matrix->handle());
  library.check(library.calls().booster_create(handles.data(), handles.size(), &handle_));
}

Booster::Booster(Booster&& other) noexcept : library_(other.library_), handle_(std::exchange(other.handle_, nullptr)) {}

Booster& Booster::operator=(Booster&& other) noexcept {
  std::swap(library_, other.library_);
  std::swap(handle_, other.handle_);
  return *this;
}

Booster::~Booster() {
  if (handle_ != nullptr) library_->calls().booster_free(handle_);
}

void Booster::set(const std::string& name, const std::string& value) {
  library_->check(library_->calls().booster_set(handle_, name.c_str(), value.c_str()));
}

std::vector<std::string> Booster::configure(const Parameters& parameters) {
  library_->listen();
  // A warning is all that the engine has for a parameter that nothing uses, and it must be loud enough for that. Nothing is set behind
  // config(): a setting more, and the engine forgets an updater that was chosen.
  for (const auto& [name, value] : parameters) set(name, name == "verbosity" && value == "0" ? "1" : value);
  set("validate_parameters", "1");
  config();
  std::vector<std::string> unused, others;
  for (std::string& message : take_messages()) {
    std::vector<std::string> names = unused_parameters(message);
    if (names.empty()) others.push_back(std::move(message));
    unused.insert(unused.end(), names.begin(), names.end());
  }
  put_back_messages(std::move(others));
  return unused;
}

void Booster::update(int round, const DMatrix& train) {
  library_->check(library_->calls().booster_update(handle_, round, train.handle()));
}

std::string Booster::evaluate(int round, std::span<const DMatrix* const> matrices, std::span<const std::string> names) {
  std::vector<Handle> handles;
  for (const DMatrix* matrix : matrices) handles.push_back(matrix->handle());
  std::vector<const char*> texts;
  for (const std::string& name : names) texts.push_back(name.c_str());
  const char* line = nullptr;
  library_->check(library_->calls().booster_evaluate(handle_, round, handles.data(), texts.data(), handles.size(), &line));
  return line;
}

Scores Booster::predict(const DMatrix& matrix, PredictionType type, int end) const {
  const std::string config = fmt::format(R"({{"type":{},"training":false,"iteration_begin":0,"iteration_end":{},"strict_shape":false}})",
                                         static_cast<int>(type), end);
  const Length* shape = nullptr;
  Length dimensions = 0;
  const float* values = nullptr;
  library_->check(library_->calls().booster_predict(handle_, matrix.handle(), config.c_str(), &shape, &dimensions, &values));
  Scores scores{{}, {shape, shape + dimensions}};
  std::size_t size = 1;
  for (const std::uint64_t n : scores.shape) size *= n;
  scores.values = {values, size};
  return scores;
}

int Booster::rounds() const {
  int n = 0;
  library_->check(library_->calls().booster_rounds(handle_, &n));
  return n;
}

std::uint64_t Booster::features() const {
  Length n = 0;
  library_->check(library_->calls().booster_features(handle_, &n));
  return n;
}

Booster Booster::first_rounds(int end) const {
  Handle handle = nullptr;
  library_->check(library_->calls().booster_slice(handle_, 0, end, 1, &handle));
  return Booster(*library_, handle);
}

std::string Booster::save(std::string_view format) const {
  Length n = 0;
  const char* bytes = nullptr;
  library_->check(library_->calls().booster_save(handle_, fmt::format(R"({{"format":"{}"}})", format).c_str(), &n, &bytes));
  return {bytes, n};
}

void Booster::load(std::string_view bytes) { library_->check(library_->calls().booster_load(handle_, bytes.data(), bytes.size())); }

std::string Booster::config() const {
  Length n = 0;
  const char* text = nullptr;
  library_->check(library_->calls().booster_save_config(handle_, &n, &text));
  return {text, n};
}

std::optional<std::string> Booster::attribute(const std::string& key) const {
  const char* text = nullptr;
  int found = 0;
  library_->check(library_->calls().booster_get_attribute(handle_, key.c_str(), &text, &found));
  if (found == 0) return std::nullopt;
  return text;
}

void Booster::set_attribute(const std::string& key, const std::string& value) {
  library_->check(library_->calls().booster_set_attribute(handle_, key.c_str(), value.c_str()));
}

std::vector<std::string> Booster::feature_names() const {
  Length n = 0;
  const char** names = nullptr;
  library_->check(library_->calls().booster_get_names(handle_, "feature_name", &n, &names));
  return {names, names + n};
}

void Booster::set_feature_names(std::span<const std::string> names) {
  std::vector<const char*> texts;
  for (const std::string& name : names) texts.push_back(name.c_str());
  library_->check(library_->calls().booster_set_names(handle_, "feature_name", texts.data(), texts.size()));
}

FeatureScores Booster::feature_scores(std::string_view importance) const {
  Length count = 0, dimensions = 0;
  const char** names = nullptr;
  const Length* shape = nullptr;
  const float* scores = nullptr;
  library_->check(library_->calls().booster_feature_score(handle_, fmt::format(R"({{"importance_type":"{}"}})", importance).c_str(), &count,
                                                          &names, &dimensions, &shape, &scores));
  FeatureScores found;
  found.features.assign(names, names + count);
  found.classes = dimensions == 2 ? shape[1] : 1;
  found.values.assign(scores, scores + count * found.classes);
  return found;
}

}  // namespace smtrain::xgboost
