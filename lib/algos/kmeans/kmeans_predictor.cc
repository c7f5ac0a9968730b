#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "algos/kmeans/predictor.h"
#include "base/error.h"
#include "base/text.h"
#include "formats/archive/ndarray_list.h"
#include "job/staging.h"

namespace smtrain::kmeans {
namespace {

using compute::DType;
using formats::NamedTensor;

constexpr const char* kServiceMember = "model_algo-1";

struct KMeansScratch final : job::Predictor::Scratch {
  explicit KMeansScratch(compute::Backend& backend) : staging(backend) {}
  std::unique_ptr<compute::Backend::Centers> centers;
  job::DenseStaging staging;
  compute::Mat ids, distances;
  std::vector<std::int32_t> id_values;
  std::vector<float> distance_values;
};

std::string sidecar(const KMeansPredictor& model, const job::Manifest& manifest) {
  nlohmann::json counts = nlohmann::json::array();
  for (double c : model.counts()) counts.push_back(c);
  return nlohmann::json{{"format_version", 1},
                        {"k", model.k()},
                        {"feature_dim", model.feature_dim()},
                        {"counts", counts},
                        {"hyperparameters", manifest.hyperparameters}}
             .dump(1) + "\n";
}

void check_finite(const std::vector<float>& centers, const std::string& member) {
  if (!std::all_of(centers.begin(), centers.end(), [](float c) { return std::isfinite(c); })) {
    throw user_error("{}: holds centres that are not finite; the model is damaged", member);
  }
}

std::unique_ptr<KMeansPredictor> load_own(const job::Model& model) {
  const NamedTensor* centers = model.tensor("centers");
  const NamedTensor* counts = model.tensor("counts");
  if (centers == nullptr || centers->shape.size() != 2 || centers->elements() == 0) {
    throw user_error("model.safetensors: tensor \"centers\" of two dimensions is missing; not a k-means model");
  }
  std::vector<float> c = centers->as_f32();
  check_finite(c, "model.safetensors");
  StreamState stream;
  const NamedTensor* stream_centers = model.tensor("stream.centers");
  const NamedTensor* stream_counts = model.tensor("stream.counts");
  if (stream_centers != nullptr && stream_counts != nullptr) stream = {stream_centers->as_f32(), stream_counts->as_f64()};
  const std::size_t d = static_cast<std::size_t>(centers->shape[1]);
  std::vector<double> n = counts == nullptr ? std::vector<double>{} : counts->as_f64();
  if ((!n.empty() && n.size() != centers->shape[0]) || stream.centers.size() != stream.counts.size() * d) {
    throw user_error("model.safetensors: shapes of centres and counts do not agree; the model is damaged");
  }
  return std::make_unique<KMeansPredictor>(std::move(c), std::move(n), d, std::move(stream));
}

std::unique_ptr<KMeansPredictor> load_service(const job::Model& model) {
  const auto member = model.files.find(kServiceMember);
  if (member == model.files.end()) throw user_error("the tarball has neither a manifest.json nor a {}", kServiceMember);
  const std::vector<NamedTensor> arrays = formats::read_ndarray_list(member->second, kServiceMember);
  if (arrays.size() != 1 || arrays[0].shape.size() != 2 || arrays[0].elements() == 0) {
    throw user_error("{}: expected one array of k × feature_dim centres, found {} arrays", kServiceMember, arrays.size());
  }
  std::vector<float> centers = arrays[0].as_f32();
  check_finite(centers, kServiceMember);
  return std::make_unique<KMeansPredictor>(std::move(centers), std::vector<double>{},
                                           static_cast<std::size_t>(arrays[0].shape[1]), StreamState{});
}

}  // namespace

KMeansPredictor::KMeansPredictor(std::vector<float> centers, std::vector<double> counts, std::size_t d, StreamState stream)
    : centers_(std::move(centers)), counts_(std::move(counts)), d_(d), stream_(std::move(stream)) {}

std::unique_ptr<job::Predictor::Scratch> KMeansPredictor::make_scratch(compute::Backend& backend) const {
  auto scratch = std::make_unique<KMeansScratch>(backend);
  const compute::Mat c = backend.allocate(k(), d_, DType::f32);
  backend.write(backend.main_queue(), c, centers_.data());
  scratch->centers = backend.make_centers(k(), d_);
  backend.refresh(backend.main_queue(), *scratch->centers, c);
  return scratch;
}

void KMeansPredictor::predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest&, Scratch& scratch_base,
                              formats::Prediction& out) const {
  auto& scratch = static_cast<KMeansScratch&>(scratch_base);
  compute::Queue& queue = backend.main_queue();
  if (scratch.ids.rows < batch.rows) {
    scratch.ids = backend.allocate(batch.rows, 1, DType::i32);
    scratch.distances = backend.allocate(batch.rows, 1, DType::f32);
  }
  scratch.staging.for_each(batch, [&](const compute::Mat& x, std::size_t first) {
    backend.nearest(queue, x, *scratch.centers, scratch.ids.row_range(first, x.rows), scratch.distances.row_range(first, x.rows));
  });
  scratch.id_values.resize(batch.rows);
  scratch.distance_values.resize(batch.rows);
  if (batch.rows > 0) {
    backend.read(queue, scratch.id_values.data(), scratch.ids.row_range(0, batch.rows));
    backend.read(queue, scratch.distance_values.data(), scratch.distances.row_range(0, batch.rows));
  }
  out.rows = batch.rows;
  out.columns.resize(2);
  out.columns[0].name = "closest_cluster";
  out.columns[1].name = "distance_to_cluster";
  out.columns[0].values.assign(scratch.id_values.begin(), scratch.id_values.end());
  out.columns[1].values.resize(batch.rows);
  std::transform(scratch.distance_values.begin(), scratch.distance_values.end(), out.columns[1].values.begin(),
                 [](float d2) { return std::sqrt(d2); });
}

void KMeansPredictor::save(job::Model& model) const {
  const std::vector<std::uint64_t> shape{k(), d_};
  model.tensors.push_back(NamedTensor::f32("centers", shape, centers_.data()));
  if (!counts_.empty()) model.tensors.push_back(NamedTensor::f64("counts", {k()}, counts_.data()));
  if (!stream_.counts.empty()) {
    model.tensors.push_back(NamedTensor::f32("stream.centers", {stream_.counts.size(), d_}, stream_.centers.data()));
    model.tensors.push_back(NamedTensor::f64("stream.counts", {stream_.counts.size()}, stream_.counts.data()));
  }
  model.files[kServiceMember] = formats::write_ndarray_list({NamedTensor::f32("", shape, centers_.data())});
  model.files[std::string(kServiceMember) + ".json"] = sidecar(*this, model.manifest);
}

std::vector<std::pair<std::string, std::string>> KMeansPredictor::facts() const {
  std::vector<std::pair<std::string, std::string>> facts{{"clusters", std::to_string(k())},
                                                         {"feature_dim", std::to_string(d_)}};
  if (!counts_.empty()) {
    const auto [least, most] = std::minmax_element(counts_.begin(), counts_.end());
    auto row = [&](auto at) {
      return fmt::format("{} ({} rows)", at - counts_.begin(), grouped(static_cast<std::uint64_t>(std::llround(*at))));
    };
    facts.emplace_back("largest cluster", row(most));
    facts.emplace_back("smallest cluster", row(least));
  }
  if (!stream_.counts.empty()) facts.emplace_back("streaming centres", std::to_string(stream_.counts.size()));
  return facts;
}

std::unique_ptr<KMeansPredictor> load(const job::Model& model) {
  return model.manifest.algorithm.empty() ? load_service(model) : load_own(model);
}

bool recognises(const job::Model& model) {
  const auto member = model.files.find(kServiceMember);
  if (member == model.files.end()) return false;
  try {
    const std::vector<NamedTensor> arrays = formats::read_ndarray_list(member->second, kServiceMember);
    return arrays.size() == 1 && arrays[0].name.empty() && arrays[0].shape.size() == 2 && arrays[0].dtype == "F32";
  } catch (const Error&) {
    return false;
  }
}

}  // namespace smtrain::kmeans
