#include "algos/pca/artifact.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "formats/archive/ndarray_list.h"

namespace smtrain::pca {
namespace {

using formats::NamedTensor;

const NamedTensor* find(const std::vector<NamedTensor>& arrays, std::string_view name) {
  const auto found = std::find_if(arrays.begin(), arrays.end(), [&](const NamedTensor& a) { return a.name == name; });
  return found == arrays.end() ? nullptr : &*found;
}

// k rows of d become d rows of k, or back.
std::vector<float> transposed(const std::vector<float>& from, std::size_t rows, std::size_t cols) {
  std::vector<float> to(from.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j) to[j * rows + i] = from[i * cols + j];
  return to;
}

}  // namespace

std::string service_artifact(const Components& c) {
  std::vector<NamedTensor> arrays;
  if (!c.mean.empty()) arrays.push_back(NamedTensor::f32("mean", {1, c.d}, c.mean.data()));
  const std::vector<float> s(c.values.begin(), c.values.end());
  arrays.push_back(NamedTensor::f32("s", {c.k()}, s.data()));
  arrays.push_back(NamedTensor::f32("v", {c.d, c.k()}, transposed(c.vectors, c.k(), c.d).data()));
  return formats::write_ndarray_list(arrays);
}

bool is_service_artifact(std::string_view bytes) {
  try {
    const std::vector<NamedTensor> arrays = formats::read_ndarray_list(bytes, kServiceMember);
    return find(arrays, "s") != nullptr && find(arrays, "v") != nullptr;
  } catch (const Error&) {
    return false;
  }
}

Components read_service_artifact(std::string_view bytes) {
  const std::vector<NamedTensor> arrays = formats::read_ndarray_list(bytes, kServiceMember);
  const NamedTensor* mean = find(arrays, "mean");
  const NamedTensor* s = find(arrays, "s");
  const NamedTensor* v = find(arrays, "v");
  if (s == nullptr || v == nullptr || v->shape.size() != 2 || v->elements() == 0) {
    throw user_error("{}: expected arrays s (components) and v (feature_dim x components); not a PCA model", kServiceMember);
  }
  const std::size_t d = static_cast<std::size_t>(v->shape[0]), k = static_cast<std::size_t>(v->shape[1]);
  if (s->elements() != k || (mean != nullptr && mean->elements() != d)) {
    throw user_error("{}: shapes of mean, s ({}) and v ({}) do not agree; the model is damaged", kServiceMember,
                     formats::shape_text(s->shape), formats::shape_text(v->shape));
  }
  Components c;
  c.d = d;
  if (mean != nullptr) c.mean = mean->as_f32();
  const std::vector<float> values = s->as_f32();
  c.values.assign(values.begin(), values.end());
  c.vectors = transposed(v->as_f32(), d, k);
  return c;
}

std::string sidecar(const Components& c, const job::Manifest& manifest) {
  nlohmann::json shares = nlohmann::json::array();
  for (std::size_t i = 0; i < c.k(); ++i) shares.push_back(c.share(i));
  return nlohmann::json{{"format_version", 1},
                        {"order", "ascending: the strongest component is the last column of v, the last of s and of a projection"},
                        {"num_components", c.k()},
                        {"feature_dim", c.d},
                        {"algorithm_mode", c.mode},
                        {"subtract_mean", !c.mean.empty()},
                        {"rows", c.rows},
                        {"singular_values", c.values},
                        {"explained_variance_ratio", shares},
                        {"explained_variance_ratio_total", c.share_kept()},
                        {"total_squares", c.total},
                        {"hyperparameters", manifest.hyperparameters}}
             .dump(1) + "\n";
}

}  // namespace smtrain::pca
