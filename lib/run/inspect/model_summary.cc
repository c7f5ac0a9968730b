#include "run/inspect/model_summary.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "formats/archive/tar.h"
#include "formats/io/file_head.h"
#include "run/input_type.h"
#include "run/model_input.h"
#include "run/console/text_table.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Fields = std::vector<std::pair<std::string, std::string>>;
using Members = std::vector<std::pair<std::string, std::uint64_t>>;

constexpr std::uint64_t kLimit = std::uint64_t{64} << 30;

bool is_tar(const std::string& path) {
  std::string head;
  try {
    head = formats::file_head({path, path, true, std::nullopt}, 512);
  } catch (const Error&) {
    return false;  // says so again when it is read as data
  }
  return head.size() == 512 && head.compare(257, 5, "ustar") == 0;
}

Members members_of(const std::string& path) {
  Members members;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) members.emplace_back(entry.path().lexically_relative(path).string(), entry.file_size());
    }
    std::sort(members.begin(), members.end());
  } else {
    for (const auto& [name, bytes] : formats::read_tar(path, kLimit)) members.emplace_back(name, bytes.size());
  }
  return members;
}

std::uint64_t total_bytes(const std::string& path, const Members& members) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return fs::file_size(path);
  std::uint64_t bytes = 0;
  for (const auto& [name, size] : members) bytes += size;
  return bytes;
}

// A tarball of the service holds its tensors in files of its own; a predictor saves them in ours.
void load(ModelSummary& summary) {
  const job::Algorithm* algorithm = algorithm_of(summary.model);
  if (algorithm == nullptr) {
    summary.problem = summary.ours ? fmt::format("is a model of {}, which is not known here", smtrain::quoted(summary.algorithm))
                                   : "no algorithm recognises what is in it";
    return;
  }
  summary.algorithm = algorithm->description().name;
  try {
    const auto predictor = algorithm->load(summary.model);
    summary.facts = predictor->facts();
    summary.coefficients = predictor->coefficients();
    if (!summary.model.tensors.empty()) return;
    job::Model saved;
    predictor->save(saved);
    summary.model.tensors = std::move(saved.tensors);
  } catch (const Error& error) {
    if (error.fault() != Fault::user) throw;
    summary.problem = error.what();
  }
}

std::string shape_of(const formats::NamedTensor& tensor) {
  std::string text;
  for (const std::uint64_t n : tensor.shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text.empty() ? "scalar" : text;
}

template <class T>
std::vector<double> widened(const std::string& data) {
  std::vector<double> numbers(data.size() / sizeof(T));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    T value;
    std::memcpy(&value, data.data() + i * sizeof(T), sizeof(T));
    numbers[i] = static_cast<double>(value);
  }
  return numbers;
}

std::vector<double> widened_bf16(const std::string& data) {
  std::vector<double> numbers(data.size() / 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::uint16_t half;
    std::memcpy(&half, data.data() + 2 * i, 2);
    const std::uint32_t bits = std::uint32_t{half} << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    numbers[i] = static_cast<double>(value);
  }
  return numbers;
}

// ---- text

std::string section(const std::string& title, const Fields& fields) {
  if (fields.empty()) return "";
  Fields indented;
  for (const auto& [name, text] : fields) indented.emplace_back("  " + name, text);
  return "\n" + title + "\n" + text_fields(indented);
}

Fields fields_of(const std::map<std::string, std::string>& values) { return {values.begin(), values.end()}; }

Fields hyperparameters_in_words(const job::Manifest& manifest) {
  Fields fields;
  for (const auto& [name, text] : manifest.hyperparameters) {
    const auto given = manifest.given.find(name);
    fields.emplace_back(name, text + (given == manifest.given.end() ? "" : fmt::format(" (given: {})", given->second)));
  }
  return fields;
}

Fields metrics_in_words(const job::Manifest& manifest) {
  Fields fields;
  for (const auto& [name, value] : manifest.metrics) fields.emplace_back(name, format_number(value));
  return fields;
}

std::string tensors_text(const std::vector<formats::NamedTensor>& tensors) {
  if (tensors.empty()) return "";
  std::vector<std::vector<std::string>> rows{{"  tensor", "type", "shape", "bytes"}};
  for (const formats::NamedTensor& t : tensors) rows.push_back({"  " + t.name, t.dtype, shape_of(t), grouped(t.data.size())});
  return "\ntensors\n" + text_table(rows);
}

std::string members_text(const Members& members) {
  std::vector<std::vector<std::string>> rows{{"  member", "bytes"}};
  for (const auto& [name, bytes] : members) rows.push_back({"  " + name, grouped(bytes)});
  return "\nmembers\n" + text_table(rows);
}

// ---- JSON

Json number_json(double value) { return value - value == 0 ? Json(value) : Json(nullptr); }

// Numbers of one level of a tensor, `at` moving through them.
Json nested(const std::vector<double>& numbers, const std::vector<std::uint64_t>& shape, std::size_t level, std::size_t& at) {
  if (level == shape.size()) return number_json(numbers[at++]);
  Json json = Json::array();
  for (std::uint64_t i = 0; i < shape[level]; ++i) json.push_back(nested(numbers, shape, level + 1, at));
  return json;
}

Json tensor_json(const formats::NamedTensor& tensor, bool values) {
  Json json{{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.data.size()}};
  if (!values) return json;
  std::size_t at = 0;
  json["values"] = nested(numbers_of(tensor), tensor.shape, 0, at);
  return json;
}

void add_manifest(Json& json, const job::Manifest& manifest) {
  json["smtrain_version"] = manifest.smtrain_version;
  json["format_version"] = manifest.format_version;
  json["hyperparameters"] = manifest.hyperparameters;
  json["given"] = manifest.given;
  json["metrics"] = Json::object();
  for (const auto& [name, value] : manifest.metrics) json["metrics"][name] = number_json(value);
  json["data"] = manifest.data;
  json["build"] = manifest.build;
}

}  // namespace

bool looks_like_model(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return fs::exists(fs::path(path) / "manifest.json", error) || fs::exists(fs::path(path) / "model_algo-1", error);
  }
  for (const char* suffix : {".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"}) {
    if (path.ends_with(suffix)) return true;
  }
  return !type_by_suffix(path) && fs::is_regular_file(path, error) && is_tar(path);
}

ModelSummary summarize_model(const std::string& path) {
  ModelSummary summary;
  summary.path = path;
  summary.model = job::read_model(path, kLimit);
  summary.members = members_of(path);
  summary.bytes = total_bytes(path, summary.members);
  summary.algorithm = summary.model.manifest.algorithm;
  summary.ours = !summary.algorithm.empty();
  load(summary);
  return summary;
}

std::vector<double> numbers_of(const formats::NamedTensor& tensor) {
  if (tensor.dtype == "F32") return widened<float>(tensor.data);
  if (tensor.dtype == "F64") return widened<double>(tensor.data);
  if (tensor.dtype == "I32") return widened<std::int32_t>(tensor.data);
  if (tensor.dtype == "I64") return widened<std::int64_t>(tensor.data);
  if (tensor.dtype == "U8") return widened<std::uint8_t>(tensor.data);
  if (tensor.dtype == "BF16") return widened_bf16(tensor.data);
  throw user_error("tensor {}: type {} holds no numbers known here", smtrain::quoted(tensor.name), smtrain::quoted(tensor.dtype));
}

std::string model_text(const ModelSummary& summary) {
  const job::Manifest& manifest = summary.model.manifest;
  Fields head{{"model", summary.algorithm.empty() ? "unknown" : summary.algorithm},
              {"written by", summary.ours ? "smtrain " + manifest.smtrain_version : "the service, or another tool"},
              {"size", format_bytes(summary.bytes)}};
  head.insert(head.end(), summary.facts.begin(), summary.facts.end());
  std::string text = summary.path + "\n\n" + text_fields(head);
  text += section("metrics", metrics_in_words(manifest));
  text += section("hyperparameters", hyperparameters_in_words(manifest));
  text += section("data", fields_of(manifest.data));
  text += section("build", fields_of(manifest.build));
  text += tensors_text(summary.model.tensors) + members_text(summary.members);
  if (!summary.problem.empty()) text += "\nwhat is wrong\n  " + summary.problem + "\n";
  return text;
}

std::string model_json(const ModelSummary& summary, bool values) {
  Json json{{"schema", 1},
            {"kind", "model"},
            {"path", summary.path},
            {"bytes", summary.bytes},
            {"algorithm", summary.algorithm.empty() ? Json(nullptr) : Json(summary.algorithm)},
            {"written_by", summary.ours ? "smtrain" : "other"}};
  if (summary.ours) add_manifest(json, summary.model.manifest);
  json["facts"] = Json::object();
  for (const auto& [name, text] : summary.facts) json["facts"][name] = text;
  json["tensors"] = Json::array();
  for (const formats::NamedTensor& tensor : summary.model.tensors) json["tensors"].push_back(tensor_json(tensor, values));
  json["members"] = Json::array();
  for (const auto& [name, bytes] : summary.members) json["members"].push_back({{"name", name}, {"bytes", bytes}});
  json["problems"] = summary.problem.empty() ? Json::array() : Json::array({summary.problem});
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace smtrain::run
