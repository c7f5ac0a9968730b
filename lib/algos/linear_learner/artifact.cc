#include "algos/linear_learner/artifact.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "formats/archive/mxnet_symbol.h"
#include "formats/archive/ndarray_list.h"
#include "formats/archive/zip.h"

namespace smtrain::linear {
namespace {

using formats::NamedTensor;
using nlohmann::json;
using Members = std::map<std::string, std::string>;

constexpr std::uint64_t kLimit = std::uint64_t{64} << 30;
constexpr const char* kParams = "additional-params.json";
constexpr const char* kManifest = "manifest.json";
constexpr const char* kArrays = "mx-mod-0000.params";
constexpr const char* kSymbol = "mx-mod-symbol.json";

const char* output_of(Loss loss) {
  switch (loss) {
    case Loss::logistic: return "LogisticRegressionOutput";
    case Loss::softmax_loss: return "SoftmaxOutput";
    default: return "LinearRegressionOutput";  // the identity
  }
}

std::string symbol_of(const LinearModel& model) {
  formats::MxnetSymbol symbol;
  const auto data = symbol.variable("data"), weight = symbol.variable("fc0_weight"), bias = symbol.variable("fc0_bias");
  const auto scores =
      symbol.apply("FullyConnected", "fc0", {data, weight, bias}, {{"num_hidden", fmt::format("{}", model.classes)}});
  const auto label = symbol.variable("out_label");
  return symbol.json({symbol.apply(output_of(model.loss), "out", {scores, label})});
}

std::string params_of(const LinearModel& model) {
  json params{{"format_version", 1},
              {"predictor_type", name_of(model.predictor_type)},
              {"loss", name_of(model.loss)},
              {"num_classes", model.classes},
              {"feature_dim", model.d},
              {"hyperparameters", model.chosen}};
  if (model.predictor_type == PredictorType::binary_classifier) params["threshold"] = model.threshold;
  if (!model.criterion.empty()) params["criterion"] = model.criterion;
  if (model.criterion_value) params["criterion_value"] = *model.criterion_value;
  if (!model.columns.empty()) params["columns"] = model.columns;
  return params.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string manifest_of() {
  return json{{"format_version", 1}, {"algorithm", "linear-learner"}, {"members", {kParams, kArrays, kSymbol}}}.dump(1) + "\n";
}

const std::string& member(const Members& members, const char* wanted, const std::string& name) {
  const auto found = members.find(wanted);
  if (found == members.end()) throw user_error("{}: has no member {}; not a model of linear-learner", name, wanted);
  return found->second;
}

const NamedTensor& array(const std::vector<NamedTensor>& arrays, std::string_view wanted, const std::string& place) {
  const auto found = std::find_if(arrays.begin(), arrays.end(), [&](const NamedTensor& t) { return t.name == wanted; });
  if (found == arrays.end()) throw user_error("{}: has no array {}; not a model of linear-learner", place, wanted);
  return *found;
}

// ---- what is to be known beside the numbers -------------------------------------------------------------------------------

json parsed(const std::string& text, const std::string& place) {
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) throw user_error("{}: is not a JSON object; the model is damaged", place);
  return value;
}

template <class T>
std::optional<T> read(const json& params, const char* key, const std::string& place) {
  const auto found = params.find(key);
  if (found == params.end() || found->is_null()) return std::nullopt;
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    throw user_error("{}: {} is {}, which is of another type than expected", place, key, smtrain::quoted(found->dump()));
  }
}

// Clients of the service send and store numbers as texts.
std::optional<double> read_number(const json& params, const char* key, const std::string& place) {
  const auto found = params.find(key);
  if (found == params.end() || !found->is_string()) return read<double>(params, key, place);
  const json number = json::parse(found->get<std::string>(), nullptr, /*allow_exceptions=*/false);
  if (!number.is_number()) throw user_error("{}: {} is {}, not a number", place, key, smtrain::quoted(found->dump()));
  return number.get<double>();
}

template <class E>
std::optional<E> read_name(const json& params, const char* key, const std::string& place,
                           std::optional<E> (*named)(std::string_view)) {
  const std::optional<std::string> text = read<std::string>(params, key, place);
  if (!text || *text == "auto") return std::nullopt;
  const std::optional<E> value = named(*text);
  if (!value) throw user_error("{}: {} {} is not known", place, key, smtrain::quoted(*text));
  return value;
}

void take_params(const json& params, const std::string& place, LinearModel& model) {
  if (const auto type = read_name<PredictorType>(params, "predictor_type", place, predictor_type_named)) {
    model.predictor_type = *type;
    model.loss = losses_of(*type).front();
  }
  if (const auto loss = read_name<Loss>(params, "loss", place, loss_named)) model.loss = *loss;
  if (const auto threshold = read_number(params, "threshold", place)) model.threshold = *threshold;
  model.criterion = read<std::string>(params, "criterion", place).value_or("");
  model.criterion_value = read_number(params, "criterion_value", place);
  model.columns = read<std::vector<std::string>>(params, "columns", place).value_or(std::vector<std::string>{});
  if (model.columns.size() != model.d) model.columns.clear();
  const auto chosen = params.find("hyperparameters");
  if (chosen == params.end() || !chosen->is_object()) return;
  for (const auto& [key, value] : chosen->items())
    model.chosen[key] = value.is_string() ? value.get<std::string>() : value.dump();
}

// What the network alone says: its output, and how many scores it has.
void guess(const std::string& symbol, LinearModel& model) {
  const bool logistic =
      symbol.find("LogisticRegressionOutput") != std::string::npos || symbol.find("sigmoid") != std::string::npos;
  model.predictor_type = model.classes > 1 ? PredictorType::multiclass_classifier
                         : logistic        ? PredictorType::binary_classifier
                                           : PredictorType::regressor;
  model.loss = losses_of(model.predictor_type).front();
}

void check_classes(const LinearModel& model, const std::string& place) {
  const bool several = model.predictor_type == PredictorType::multiclass_classifier;
  if (several != (model.classes > 1)) {
    throw user_error("{}: a {} with weights of {}; the model is damaged", place, name_of(model.predictor_type),
                     counted(model.classes, "class"));
  }
  const std::vector<Loss> legal = losses_of(model.predictor_type);
  if (std::find(legal.begin(), legal.end(), model.loss) == legal.end()) {
    throw user_error("{}: a {} with {}; the model is damaged", place, name_of(model.predictor_type), name_of(model.loss));
  }
}

}  // namespace

std::string write_artifact(const LinearModel& model) {
  const std::string arrays =
      formats::write_ndarray_list({NamedTensor::f32("arg:fc0_weight", {model.classes, model.d}, model.weights.data()),
                                   NamedTensor::f32("arg:fc0_bias", {model.classes}, model.bias.data())});
  const std::string params = params_of(model), manifest = manifest_of(), symbol = symbol_of(model);
  return formats::write_zip({{kParams, params}, {kManifest, manifest}, {kArrays, arrays}, {kSymbol, symbol}});
}

LinearModel read_artifact(std::string_view bytes, const std::string& name) {
  const Members members = formats::read_zip(bytes, name, kLimit);
  const std::string place = name + ": " + kArrays;
  const std::vector<NamedTensor> arrays = formats::read_ndarray_list(member(members, kArrays, name), place);
  const NamedTensor& weights = array(arrays, "arg:fc0_weight", place);
  const NamedTensor& bias = array(arrays, "arg:fc0_bias", place);
  if (weights.shape.size() != 2 || weights.elements() == 0 || bias.elements() != weights.shape[0]) {
    throw user_error("{}: fc0_weight ({}) and fc0_bias ({}) do not agree; the model is damaged", place,
                     formats::shape_text(weights.shape), formats::shape_text(bias.shape));
  }
  LinearModel model;
  model.classes = weights.shape[0];
  model.d = weights.shape[1];
  model.weights = weights.as_f32();
  model.bias = bias.as_f32();
  guess(member(members, kSymbol, name), model);
  const auto params = members.find(kParams);
  if (params != members.end()) take_params(parsed(params->second, name + ": " + kParams), name + ": " + kParams, model);
  check_classes(model, name);
  return model;
}

void read_artifact_params(std::string_view bytes, const std::string& name, LinearModel& model) {
  const Members members = formats::read_zip(bytes, name, kLimit);
  const std::string place = name + ": " + kParams;
  take_params(parsed(member(members, kParams, name), place), place, model);
  check_classes(model, name);
}

bool is_artifact(std::string_view bytes) {
  if (!formats::is_zip(bytes)) return false;
  try {
    const Members members = formats::read_zip(bytes, kServiceMember, kLimit);
    const auto arrays = members.find(kArrays);
    return arrays != members.end() && members.count(kSymbol) > 0 && arrays->second.find("fc0_weight") != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace smtrain::linear
