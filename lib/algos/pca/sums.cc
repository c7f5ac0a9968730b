#include "algos/pca/sums.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace smtrain::pca {
namespace {

using formats::NamedTensor;

// What is left of a unit vector beside the rows of `components`: the first of them that is not nearly within their span.
std::vector<double> another_direction(const std::vector<double>& components, std::size_t d) {
  for (std::size_t axis = 0; axis < d; ++axis) {
    std::vector<double> v(d);
    v[axis] = 1;
    for (int pass = 0; pass < 2; ++pass) {  // twice: once leaves the rounding of the first time
      for (std::size_t i = 0; i < components.size() / d; ++i) {
        const double* c = components.data() + i * d;
        double dot = 0;
        for (std::size_t j = 0; j < d; ++j) dot += v[j] * c[j];
        for (std::size_t j = 0; j < d; ++j) v[j] -= dot * c[j];
      }
    }
    const double length = std::sqrt(squared_norm(v));
    if (length < 0.5 / std::sqrt(static_cast<double>(d))) continue;
    for (double& x : v) x /= length;
    return v;
  }
  throw internal_error("pca: {} components span all {} dimensions", components.size() / d, d);
}

void make_largest_positive(double* component, std::size_t d) {
  const double* largest = std::max_element(component, component + d, [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (*largest < 0) std::transform(component, component + d, component, [](double x) { return -x; });
}

[[noreturn]] void damaged(std::string_view name) {
  throw user_error("--model: tensor {} of model.safetensors holds numbers that no training leaves; the model is damaged", name);
}

}  // namespace

void normalise(std::vector<double>& values, std::vector<double>& components, std::size_t k, std::size_t d) {
  for (double& v : values) v = std::sqrt(std::max(v, 0.0));
  while (values.size() < k) {
    const std::vector<double> more = another_direction(components, d);
    values.insert(values.begin(), 0.0);
    components.insert(components.begin(), more.begin(), more.end());
  }
  for (std::size_t i = 0; i < k; ++i) make_largest_positive(components.data() + i * d, d);
}

std::vector<double> running_tensor(const job::Model& model, std::string_view name, const std::vector<std::uint64_t>& shape) {
  const NamedTensor* tensor = model.tensor(name);
  if (tensor == nullptr) {
    throw user_error("--model: model.safetensors holds no tensor {}; PCA goes on from running sums, which this model does not keep",
                     name);
  }
  if (tensor->shape != shape) {
    throw user_error("--model: tensor {} of model.safetensors has the shape ({}); expected ({})", name, formats::shape_text(tensor->shape),
                     formats::shape_text(shape));
  }
  std::vector<double> numbers = tensor->as_f64();
  if (!std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::isfinite(x); })) damaged(name);
  return numbers;
}

std::uint64_t whole_number(double value, std::string_view name, std::uint64_t most) {
  if (!(value >= 0 && value <= static_cast<double>(most) && value == std::floor(value))) damaged(name);
  return static_cast<std::uint64_t>(value);
}

void put_moments(std::vector<NamedTensor>& tensors, const Moments& m) {
  const double totals[] = {m.weight, static_cast<double>(m.rows), m.squares};
  tensors.push_back(NamedTensor::f64("running.mean", {m.mean.size()}, m.mean.data()));
  tensors.push_back(NamedTensor::f64("running.totals", {3}, totals));
}

Moments moments_of(const job::Model& model, std::size_t d) {
  const std::vector<double> totals = running_tensor(model, "running.totals", {3});
  if (totals[0] < 0 || totals[2] < 0) damaged("running.totals");
  return {totals[0], whole_number(totals[1], "running.totals"), running_tensor(model, "running.mean", {d}), totals[2]};
}

}  // namespace smtrain::pca
