#include <algorithm>
#include <cmath>
#include <limits>

#include "algos/pca/artifact.h"
#include "algos/pca/predictor.h"
#include "algos/pca/rows.h"
#include "base/error.h"
#include "base/text.h"
#include "job/staging.h"

namespace smtrain::pca {
namespace {

using compute::DType;
using compute::Mat;
using formats::NamedTensor;


struct PcaScratch final : job::Predictor::Scratch {
  PcaScratch(compute::Backend& backend, const Components& c)
      : rows(backend, c.d, std::vector<double>(c.mean.begin(), c.mean.end())) {}
  ShiftedRows rows;
  Mat vectors;  // (k, d) f64
  Mat z;
  std::vector<double> host;
};

template <class T>
void check_finite(const std::vector<T>& numbers, const std::string& member) {
  if (!std::all_of(numbers.begin(), numbers.end(), [](T v) { return std::isfinite(v); })) {
    throw user_error("{}: holds components that are not finite; the model is damaged", member);
  }
}

Components checked(Components c, const std::string& member) {
  check_finite(c.vectors, member);
  check_finite(c.values, member);
  check_finite(c.mean, member);
  return c;
}

const NamedTensor& need(const job::Model& model, std::string_view name, std::size_t dimensions) {
  const NamedTensor* tensor = model.tensor(name);
  if (tensor == nullptr || tensor->shape.size() != dimensions || tensor->elements() == 0) {
    throw user_error("model.safetensors: tensor \"{}\" of {} is missing; not a PCA model", name, counted(dimensions, "dimension"));
  }
  return *tensor;
}

std::unique_ptr<PcaPredictor> load_own(const job::Model& model) {
  const NamedTensor& vectors = need(model, "components", 2);
  const std::vector<double> totals = need(model, "totals", 1).as_f64();
  Components c;
  c.d = static_cast<std::size_t>(vectors.shape[1]);
  c.vectors = vectors.as_f32();
  c.values = need(model, "singular_values", 1).as_f64();
  if (const NamedTensor* mean = model.tensor("mean")) c.mean = mean->as_f32();
  if (c.k() != vectors.shape[0] || (!c.mean.empty() && c.mean.size() != c.d) || totals.size() != 2) {
    throw user_error("model.safetensors: shapes of components, singular_values and mean do not agree; the model is damaged");
  }
  c.total = totals[0];
  c.rows = static_cast<std::uint64_t>(totals[1]);
  const auto mode = model.manifest.hyperparameters.find("algorithm_mode");
  if (mode != model.manifest.hyperparameters.end()) c.mode = mode->second;
  std::vector<NamedTensor> running;
  for (const NamedTensor& t : model.tensors) {
    if (t.name.starts_with("running.")) running.push_back(t);
  }
  return std::make_unique<PcaPredictor>(checked(std::move(c), "model.safetensors"), std::move(running));
}

std::unique_ptr<PcaPredictor> load_service(const job::Model& model) {
  const auto member = model.files.find(kServiceMember);
  if (member == model.files.end()) throw user_error("the tarball has neither a manifest.json nor a {}", kServiceMember);
  return std::make_unique<PcaPredictor>(checked(read_service_artifact(member->second), kServiceMember));
}

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

}  // namespace

double Components::share(std::size_t component) const {
  double all = total;
  if (all <= 0) {
    for (const double v : values) all += v * v;
  }
  return all > 0 ? values[component] * values[component] / all : 0;
}

double Components::share_kept() const {
  double sum = 0;
  for (std::size_t i = 0; i < k(); ++i) sum += share(i);
  return sum;
}

PcaPredictor::PcaPredictor(Components components, std::vector<NamedTensor> running)
    : c_(std::move(components)), running_(std::move(running)), by_column_(c_.d * c_.k()), origin_(c_.k()) {
  const std::size_t k = c_.k();
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < c_.d; ++j) {
      const double v = static_cast<double>(c_.vectors[i * c_.d + j]);
      by_column_[j * k + i] = v;
      if (!c_.mean.empty()) origin_[i] += static_cast<double>(c_.mean[j]) * v;
    }
  }
}

std::unique_ptr<job::Predictor::Scratch> PcaPredictor::make_scratch(compute::Backend& backend) const {
  auto scratch = std::make_unique<PcaScratch>(backend, c_);
  std::vector<double> vectors((c_.d + 1) * c_.k());  // and nothing for the column of ones
  std::copy(by_column_.begin(), by_column_.end(), vectors.begin());
  scratch->vectors = backend.allocate(c_.d + 1, c_.k(), DType::f64);
  backend.write(backend.main_queue(), scratch->vectors, vectors.data());
  return scratch;
}

// Of sparse rows the entries alone are looked at.
void PcaPredictor::project_entries(const formats::Batch& batch, float* to) const {
  const std::size_t k = c_.k();
  std::vector<double> z(k);
  const std::uint64_t base = batch.indptr[0];
  for (std::size_t i = 0; i < batch.rows; ++i) {
    std::transform(origin_.begin(), origin_.end(), z.begin(), [](double o) { return -o; });
    for (std::uint64_t e = batch.indptr[i] - base; e < batch.indptr[i + 1] - base; ++e) {
      const double v = static_cast<double>(batch.values[e]);
      const double* from = by_column_.data() + batch.indices[e] * k;
      for (std::size_t t = 0; t < k; ++t) z[t] += v * from[t];
    }
    to = std::transform(z.begin(), z.end(), to, [](double v) { return static_cast<float>(v); });
  }
}

void PcaPredictor::predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest&, Scratch& scratch_base,
                           formats::Prediction& out) const {
  auto& scratch = static_cast<PcaScratch&>(scratch_base);
  compute::Queue& queue = backend.main_queue();
  const std::size_t k = c_.k();
  out.rows = batch.rows;
  out.columns.resize(1);
  out.columns[0].name = "projection";
  out.columns[0].width = k;
  out.columns[0].list = true;
  out.columns[0].values.resize(batch.rows * k);
  float* to = out.columns[0].values.data();
  if (batch.rows == 0) return;
  if (is_scattered(batch)) return project_entries(batch, to);
  formats::Batch plain = batch;
  plain.weights = nullptr;  // a row's answer is its own
  scratch.rows.for_each(plain, [&](const Mat& y) {
    if (scratch.z.rows < y.rows) scratch.z = backend.allocate(y.rows, k, DType::f64);
    const Mat z = scratch.z.row_range(0, y.rows);
    backend.gemm(queue, false, false, 1, y, scratch.vectors, 0, z);
    scratch.host.resize(y.rows * k);
    backend.read(queue, scratch.host.data(), z);
    to = std::transform(scratch.host.begin(), scratch.host.end(), to, [](double v) { return static_cast<float>(v); });
  });
}

void PcaPredictor::save(job::Model& model) const {
  const double totals[] = {c_.total, static_cast<double>(c_.rows)};
  model.tensors.push_back(NamedTensor::f32("components", {c_.k(), c_.d}, c_.vectors.data()));
  model.tensors.push_back(NamedTensor::f64("singular_values", {c_.k()}, c_.values.data()));
  model.tensors.push_back(NamedTensor::f64("totals", {2}, totals));
  if (!c_.mean.empty()) model.tensors.push_back(NamedTensor::f32("mean", {c_.d}, c_.mean.data()));
  model.tensors.insert(model.tensors.end(), running_.begin(), running_.end());
  model.files[kServiceMember] = service_artifact(c_);
  model.files[std::string(kServiceMember) + ".json"] = sidecar(c_, model.manifest);
}

std::vector<std::pair<std::string, std::string>> PcaPredictor::facts() const {
  std::vector<std::pair<std::string, std::string>> facts{{"components", std::to_string(c_.k())}, {"feature_dim", std::to_string(c_.d)}};
  if (!c_.mode.empty()) facts.emplace_back("algorithm_mode", c_.mode);
  facts.emplace_back("mean subtracted", c_.mean.empty() ? "no" : "yes");
  if (c_.rows > 0) facts.emplace_back("trained on", counted(c_.rows, "row"));
  const std::size_t last = c_.k() - 1;
  const char* of = c_.total > 0 ? "of the variance" : "of what the components carry; the rest is unknown";
  facts.emplace_back("strongest component", fmt::format("{} (the last): {} {}", last, percent(c_.share(last)), of));
  facts.emplace_back("weakest component", fmt::format("0 (the first): {}", percent(c_.share(0))));
  if (c_.total > 0) facts.emplace_back("all components", fmt::format("{} of the variance", percent(c_.share_kept())));
  facts.emplace_back("order", "ascending: the last column of v, of s and of a projection is the strongest component");
  return facts;
}

std::unique_ptr<PcaPredictor> load(const job::Model& model) {
  return model.manifest.algorithm.empty() ? load_service(model) : load_own(model);
}

bool recognises(const job::Model& model) {
  const auto member = model.files.find(kServiceMember);
  return member != model.files.end() && is_service_artifact(member->second);
}

}  // namespace smtrain::pca
