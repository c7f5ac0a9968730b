// The model's files. model_algo-1 is a zip of a symbol, an NDArray list and meta.json, as specification 7 has it.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "algos/factorization_machines/predictor.h"
#include "base/error.h"
#include "base/text.h"
#include "formats/archive/mxnet_symbol.h"
#include "formats/archive/ndarray_list.h"
#include "formats/archive/zip.h"

namespace smtrain::fm {
namespace {

using formats::NamedTensor;
using nlohmann::json;
using Tensors = std::vector<NamedTensor>;

constexpr const char* kServiceMember = "model_algo-1";
constexpr const char* kOwnMember = "model.safetensors";
constexpr std::uint64_t kLimit = std::uint64_t{64} << 30;
constexpr const char* kMeanTensors[] = {"adam_mean.v", "adam_mean.w1_weight", "adam_mean.w0_weight"};
constexpr const char* kSquareTensors[] = {"adam_square.v", "adam_square.w1_weight", "adam_square.w0_weight"};
constexpr const char* kSteps = "adam_steps";

const char* name_of(Task task) { return task == Task::regressor ? "regressor" : "binary_classifier"; }

// ---- arrays: (d, k) and (d, 1), apart in files and side by side in memory

NamedTensor factors_tensor(std::string name, const std::vector<float>& rows, std::size_t d, std::size_t k) {
  std::vector<float> v(d * k);
  for (std::size_t i = 0; i < d; ++i) std::copy_n(rows.data() + i * (k + 1), k, v.data() + i * k);
  return NamedTensor::f32(std::move(name), {d, k}, v.data());
}

NamedTensor linear_tensor(std::string name, const std::vector<float>& rows, std::size_t d, std::size_t k) {
  std::vector<float> w(d);
  for (std::size_t i = 0; i < d; ++i) w[i] = rows[i * (k + 1) + k];
  return NamedTensor::f32(std::move(name), {d, 1}, w.data());
}

std::vector<float> side_by_side(const std::vector<float>& v, const std::vector<float>& w, std::size_t d, std::size_t k) {
  std::vector<float> rows(d * (k + 1));
  for (std::size_t i = 0; i < d; ++i) {
    std::copy_n(v.data() + i * k, k, rows.data() + i * (k + 1));
    rows[i * (k + 1) + k] = w[i];
  }
  return rows;
}

const NamedTensor* find(const Tensors& tensors, std::string_view name) {
  const auto at = std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
  return at == tensors.end() ? nullptr : &*at;
}

std::vector<float> finite_numbers(const Tensors& tensors, std::string_view name, std::uint64_t count, const std::string& member) {
  const NamedTensor* tensor = find(tensors, name);
  if (tensor == nullptr) throw user_error("{}: array {} is missing; not a model of factorization machines", member, smtrain::quoted(name));
  if (tensor->elements() != count) {
    throw user_error("{}: array {} has {} numbers; expected {}", member, smtrain::quoted(name), tensor->elements(), count);
  }
  std::vector<float> numbers = tensor->as_f32();
  if (!std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); })) {
    throw user_error("{}: array {} holds numbers that are not finite; the model is damaged", member, smtrain::quoted(name));
  }
  return numbers;
}

// ---- our own tensors

/// Sizes from the shape of the factors.
std::pair<std::size_t, std::size_t> shape_of(const NamedTensor* v, const std::string& member) {
  if (v == nullptr || v->shape.size() != 2 || v->elements() == 0) {
    throw user_error("{}: array \"v\" of two dimensions is missing; not a model of factorization machines", member);
  }
  return {static_cast<std::size_t>(v->shape[0]), static_cast<std::size_t>(v->shape[1])};
}

std::optional<Moments> load_moments(const Tensors& tensors, std::size_t d, std::size_t k) {
  const NamedTensor* steps = find(tensors, kSteps);
  if (steps == nullptr) return std::nullopt;
  const auto packed = [&](const char* const names[]) {
    return side_by_side(finite_numbers(tensors, names[0], d * k, kOwnMember), finite_numbers(tensors, names[1], d, kOwnMember), d, k);
  };
  const auto number = [&](const char* name) { return finite_numbers(tensors, name, 1, kOwnMember)[0]; };
  const std::vector<double> count = steps->as_f64();
  if (count.size() != 1 || !(count[0] >= 0 && count[0] < 0x1p53)) throw user_error("{}: array {} is no count", kOwnMember, smtrain::quoted(kSteps));
  return Moments{packed(kMeanTensors), packed(kSquareTensors), number(kMeanTensors[2]), number(kSquareTensors[2]),
                 static_cast<std::uint64_t>(count[0])};
}

Task task_of(const std::string& text, const std::string& member) {
  for (const Task task : {Task::regressor, Task::binary_classifier}) {
    if (text == name_of(task)) return task;
  }
  throw user_error("{}: predictor_type is {}; expected regressor or binary_classifier", member, smtrain::quoted(text));
}

std::unique_ptr<FmPredictor> load_own(const job::Model& model) {
  const auto [d, k] = shape_of(model.tensor("v"), kOwnMember);
  const auto type = model.manifest.hyperparameters.find("predictor_type");
  const Task task = task_of(type == model.manifest.hyperparameters.end() ? "" : type->second, "manifest.json");
  Weights weights{d, k, finite_numbers(model.tensors, "w0_weight", 1, kOwnMember)[0]};
  *weights.rows = side_by_side(finite_numbers(model.tensors, "v", d * k, kOwnMember),
                               finite_numbers(model.tensors, "w1_weight", d, kOwnMember), d, k);
  return std::make_unique<FmPredictor>(task, std::move(weights), load_moments(model.tensors, d, k));
}

// ---- the service's file

struct ServiceFiles {
  std::string symbol, params, meta;
};

std::optional<ServiceFiles> service_files(const job::Model& model) {
  const auto member = model.files.find(kServiceMember);
  if (member == model.files.end() || !formats::is_zip(member->second)) return std::nullopt;
  std::map<std::string, std::string> files = formats::read_zip(member->second, kServiceMember, kLimit);
  if (!files.contains("params") || !files.contains("symbol.json")) return std::nullopt;
  return ServiceFiles{std::move(files["symbol.json"]), std::move(files["params"]), std::move(files["meta.json"])};
}

// Its meta.json holds the training parameters; where they tell nothing, the output of the network does.
Task task_of(const ServiceFiles& files) {
  const json meta = json::parse(files.meta, nullptr, false);
  if (meta.is_object()) {
    for (const json& place : {meta.contains("training_parameters") ? meta["training_parameters"] : json(), meta}) {
      if (place.is_object() && place.contains("predictor_type") && place["predictor_type"].is_string()) {
        return task_of(place["predictor_type"].get<std::string>(), fmt::format("{}: meta.json", kServiceMember));
      }
    }
  }
  if (files.symbol.find("LogisticRegressionOutput") != std::string::npos) return Task::binary_classifier;
  if (files.symbol.find("LinearRegressionOutput") != std::string::npos) return Task::regressor;
  throw user_error("{}: neither meta.json nor symbol.json tells the predictor_type", kServiceMember);
}

Weights weights_of_dense_network(const Tensors& arrays, const std::string& member) {
  const auto [k, d] = shape_of(find(arrays, "arg:v"), member);
  const std::vector<float> transposed = finite_numbers(arrays, "arg:v", d * k, member);
  std::vector<float> v(d * k);
  for (std::size_t f = 0; f < k; ++f) {
    for (std::size_t i = 0; i < d; ++i) v[i * k + f] = transposed[f * d + i];
  }
  Weights weights{d, k, finite_numbers(arrays, "arg:Linear_Plus_Bias_bias", 1, member)[0]};
  *weights.rows = side_by_side(v, finite_numbers(arrays, "arg:Linear_Plus_Bias_weight", d, member), d, k);
  return weights;
}

Weights weights_of_sparse_network(const Tensors& arrays, const std::string& member) {
  const auto [d, k] = shape_of(find(arrays, "arg:v"), member);
  Weights weights{d, k, finite_numbers(arrays, "arg:w0_weight", 1, member)[0]};
  *weights.rows = side_by_side(finite_numbers(arrays, "arg:v", d * k, member), finite_numbers(arrays, "arg:w1_weight", d, member), d, k);
  return weights;
}

std::unique_ptr<FmPredictor> load_service(const job::Model& model) {
  const std::optional<ServiceFiles> files = service_files(model);
  if (!files) {
    throw user_error("the tarball has neither a manifest.json nor a {} that is a zip archive of symbol.json, params and meta.json", kServiceMember);
  }
  const std::string member = fmt::format("{}: params", kServiceMember);
  const Tensors arrays = formats::read_ndarray_list(files->params, member);
  const bool dense = find(arrays, "arg:Linear_Plus_Bias_weight") != nullptr;
  return std::make_unique<FmPredictor>(task_of(*files), dense ? weights_of_dense_network(arrays, member) : weights_of_sparse_network(arrays, member),
                                       std::nullopt);
}

// Rendle's equation 1 in the form of his lemma 3.1.
std::string symbol_json(Task task, const Weights& weights) {
  const auto d = static_cast<std::int64_t>(weights.d), k = static_cast<std::int64_t>(weights.k);
  formats::MxnetSymbol graph;
  const auto x = graph.variable("data", {}, "csr"), v = graph.variable("v", {d, k}, "row_sparse");
  const auto w1 = graph.variable("w1_weight", {d, 1}, "row_sparse"), w0 = graph.variable("w0_weight", {1}), y = graph.variable("out_label");
  const formats::MxnetSymbol::Attributes by_row{{"axis", "1"}, {"keepdims", "True"}};
  const auto linear = graph.apply("dot", "linear", {x, w1});
  const auto sums = graph.apply("dot", "factor_sums", {x, v});
  const auto squared = graph.apply("sum", "squared_sums", {graph.apply("square", "factor_sums_square", {sums})}, by_row);
  const auto x2 = graph.apply("square", "data_square", {x});
  const auto own = graph.apply("dot", "own_squares", {x2, graph.apply("_square_sum", "v_square_sum", {v}, by_row)});
  const auto pairs = graph.apply("_mul_scalar", "pairs", {graph.apply("elemwise_sub", "twice_pairs", {squared, own})}, {{"scalar", "0.5"}});
  const auto terms = graph.apply("elemwise_add", "terms", {linear, pairs});
  const auto f = graph.apply("broadcast_add", "score", {terms, w0});
  return graph.json({graph.apply(task == Task::regressor ? "LinearRegressionOutput" : "LogisticRegressionOutput", "out", {f, y})});
}

std::string meta_json(Task task, const Weights& weights, const job::Manifest& manifest) {
  json parameters = manifest.hyperparameters;
  parameters["feature_dim"] = std::to_string(weights.d);
  parameters["num_factors"] = std::to_string(weights.k);
  parameters["predictor_type"] = name_of(task);
  return json{{"format_version", 1}, {"feature_dim", weights.d}, {"num_factors", weights.k}, {"predictor_type", name_of(task)},
              {"training_parameters", parameters}}
             .dump(1) + "\n";
}

}  // namespace

void FmPredictor::save(job::Model& model) const {
  const std::size_t d = weights_.d, k = weights_.k;
  const auto put = [&](const char* const names[], const std::vector<float>& rows) {
    model.tensors.push_back(factors_tensor(names[0], rows, d, k));
    model.tensors.push_back(linear_tensor(names[1], rows, d, k));
  };
  const char* const own[] = {"v", "w1_weight"};
  put(own, *weights_.rows);
  model.tensors.push_back(NamedTensor::f32("w0_weight", {1}, &weights_.w0));
  if (moments_) {
    put(kMeanTensors, moments_->m);
    put(kSquareTensors, moments_->v);
    const double steps = static_cast<double>(moments_->steps);
    model.tensors.push_back(NamedTensor::f32(kMeanTensors[2], {1}, &moments_->m0));
    model.tensors.push_back(NamedTensor::f32(kSquareTensors[2], {1}, &moments_->v0));
    model.tensors.push_back(NamedTensor::f64(kSteps, {1}, &steps));
  }
  const std::string symbol = symbol_json(task_, weights_), meta = meta_json(task_, weights_, model.manifest);
  const std::string params =
      formats::write_ndarray_list({factors_tensor("arg:v", *weights_.rows, d, k), linear_tensor("arg:w1_weight", *weights_.rows, d, k),
                                   NamedTensor::f32("arg:w0_weight", {1}, &weights_.w0)});
  model.files[kServiceMember] = formats::write_zip({{"symbol.json", symbol}, {"params", params}, {"meta.json", meta}});
}

std::unique_ptr<FmPredictor> load(const job::Model& model) {
  return model.manifest.algorithm.empty() ? load_service(model) : load_own(model);
}

// By the names in the zip: that of a linear learner holds other ones.
bool recognises(const job::Model& model) {
  try {
    return service_files(model).has_value();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace smtrain::fm
