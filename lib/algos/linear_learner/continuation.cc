#include "algos/linear_learner/continuation.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"

namespace smtrain::linear {
namespace {

using formats::NamedTensor;

// Columns class by class: of one model out of several, or of one model for several.
std::vector<float> pick_columns(const std::vector<float>& all, std::size_t models, std::size_t model) {
  std::vector<float> one(all.size() / models);
  for (std::size_t i = 0; i < one.size(); ++i) one[i] = all[i * models + model];
  return one;
}

std::vector<float> repeat_columns(const std::vector<float>& one, std::size_t models) {
  std::vector<float> all(one.size() * models);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = one[i / models];
  return all;
}

const NamedTensor* find(const LinearModel& model, std::string_view name) {
  const auto found = std::find_if(model.continuation.begin(), model.continuation.end(), [&](const NamedTensor& t) { return t.name == name; });
  return found == model.continuation.end() ? nullptr : &*found;
}

std::vector<float> numbers(const LinearModel& model, std::string_view name, std::size_t count) {
  const NamedTensor* tensor = find(model, name);
  if (tensor == nullptr) return {};
  if (tensor->elements() != count) {
    throw user_error("model.safetensors: tensor {} holds {} numbers; expected {}; the model is damaged", name, tensor->elements(), count);
  }
  return tensor->as_f32();
}

std::vector<double> doubles(const LinearModel& model, std::string_view name, std::size_t count) {
  const NamedTensor* tensor = find(model, name);
  if (tensor == nullptr || tensor->elements() != count) {
    throw user_error("model.safetensors: tensor {} of {} numbers is missing; the model is damaged", name, count);
  }
  return tensor->as_f64();
}

}  // namespace

Weights pick_model(const Weights& all, const EnsembleShape&, std::size_t models, std::size_t model) {
  return {pick_columns(all.theta, models, model), pick_columns(all.bias, models, model)};
}

Moments pick_model(const Moments& all, const EnsembleShape& shape, std::size_t models, std::size_t model) {
  return {pick_model(all.first, shape, models, model), pick_model(all.second, shape, models, model), all.steps};
}

Weights spread(const Weights& one, const EnsembleShape&, std::size_t models) {
  return {repeat_columns(one.theta, models), repeat_columns(one.bias, models)};
}

Moments spread(const Moments& one, const EnsembleShape& shape, std::size_t models) {
  return {spread(one.first, shape, models), spread(one.second, shape, models), one.steps};
}

void forget_untouched(Continuation& one) {
  const std::vector<float>& trace = one.moments.second.theta.empty() ? one.moments.first.theta : one.moments.second.theta;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    if (trace[i] == 0) one.weights.theta[i] = 0;
  }
}

void fold(const Weights& one, const Scaler& scaler, LinearModel& model) {
  model.weights.resize(model.classes * model.d);
  model.bias.resize(model.classes);
  for (std::size_t c = 0; c < model.classes; ++c) {
    double bias = scaler.label_scale * static_cast<double>(one.bias[c]) + scaler.label_shift;
    for (std::size_t j = 0; j < model.d; ++j) {
      const double scale = scaler.scale.empty() ? 1 : static_cast<double>(scaler.scale[j]);
      const double w = scaler.label_scale * static_cast<double>(one.theta[j * model.classes + c]) * scale;
      model.weights[c * model.d + j] = static_cast<float>(w);
      if (!scaler.shift.empty()) bias -= w * static_cast<double>(scaler.shift[j]);
    }
    model.bias[c] = static_cast<float>(bias);
  }
}

Weights unfold(const LinearModel& model, const Scaler& scaler) {
  Weights one{std::vector<float>(model.weights.size()), std::vector<float>(model.classes)};
  for (std::size_t c = 0; c < model.classes; ++c) {
    double bias = static_cast<double>(model.bias[c]) - scaler.label_shift;
    for (std::size_t j = 0; j < model.d; ++j) {
      const double w = static_cast<double>(model.weights[c * model.d + j]);
      const double scale = scaler.scale.empty() ? 1 : static_cast<double>(scaler.scale[j]);
      one.theta[j * model.classes + c] = static_cast<float>(w / (scaler.label_scale * scale));
      if (!scaler.shift.empty()) bias += w * static_cast<double>(scaler.shift[j]);
    }
    one.bias[c] = static_cast<float>(bias / scaler.label_scale);
  }
  return one;
}

std::vector<NamedTensor> write_continuation(const Continuation& from, const EnsembleShape& shape) {
  std::vector<NamedTensor> tensors;
  const auto put = [&](const char* name, const std::vector<float>& numbers, std::vector<std::uint64_t> dims) {
    if (!numbers.empty()) tensors.push_back(NamedTensor::f32(name, std::move(dims), numbers.data()));
  };
  const std::vector<std::uint64_t> tall{shape.d, shape.classes}, flat{shape.classes};
  put("continue.theta", from.weights.theta, tall);
  put("continue.bias", from.weights.bias, flat);
  put("continue.first", from.moments.first.theta, tall);
  put("continue.bias_first", from.moments.first.bias, flat);
  put("continue.second", from.moments.second.theta, tall);
  put("continue.bias_second", from.moments.second.bias, flat);
  put("continue.shift", from.scaler.shift, {shape.d});
  put("continue.scale", from.scaler.scale, {shape.d});
  const double rest[] = {from.scaler.label_shift, from.scaler.label_scale, static_cast<double>(from.moments.steps),
                         static_cast<double>(from.optimizer)};
  tensors.push_back(NamedTensor::f64("continue.rest", {4}, rest));
  return tensors;
}

bool read_continuation(const LinearModel& model, Continuation& to) {
  const std::size_t tall = model.d * model.classes, flat = model.classes;
  to.weights = {numbers(model, "continue.theta", tall), numbers(model, "continue.bias", flat)};
  if (to.weights.theta.empty() || to.weights.bias.empty()) return false;
  to.moments.first = {numbers(model, "continue.first", tall), numbers(model, "continue.bias_first", flat)};
  to.moments.second = {numbers(model, "continue.second", tall), numbers(model, "continue.bias_second", flat)};
  to.scaler.shift = numbers(model, "continue.shift", model.d);
  to.scaler.scale = numbers(model, "continue.scale", model.d);
  const std::vector<double> rest = doubles(model, "continue.rest", 4);
  to.scaler.label_shift = rest[0];
  to.scaler.label_scale = rest[1];
  if (!(rest[2] >= 0 && rest[2] < 9e15 && rest[3] >= 0 && rest[3] <= static_cast<double>(Optimizer::adagrad) && rest[1] > 0)) {
    throw user_error("model.safetensors: tensor continue.rest is out of range; the model is damaged");
  }
  to.moments.steps = static_cast<std::uint64_t>(rest[2]);
  to.optimizer = static_cast<Optimizer>(static_cast<int>(rest[3]));
  return true;
}

}  // namespace smtrain::linear
