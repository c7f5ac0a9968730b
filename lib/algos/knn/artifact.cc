// The files of a model: an index of the faiss library, labels, and the metadata that users edit.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "algos/knn/faiss_file.h"
#include "algos/knn/predictor.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::knn {
namespace {

using formats::NamedTensor;
using nlohmann::json;

constexpr const char* kIndex = "model_algo-1";
constexpr const char* kLabels = "model_algo-1.labels";
constexpr const char* kMetadata = "model_algo-1.json";
constexpr const char* kProjection = "model_algo-1.projection";

const char* name_of(Reduction reduction) { return reduction == Reduction::sign ? "sign" : "fjlt"; }

std::string metadata(const Knowledge& knows) {
  const Shape& shape = knows.shape;
  json reduction = nullptr;
  if (shape.reduction != Reduction::none) {
    reduction = {{"type", name_of(shape.reduction)}, {"seed", shape.seed}, {"target_dim", shape.target}, {"input_dim", shape.feature_dim},
                 {"generator", kGenerator}};
  }
  return json{{"k", knows.k},
              {"predictor_type", knows.task == Task::classifier ? "classifier" : "regressor"},
              {"dimension_reduction", reduction},
              {"normalize", shape.unit_length},
              {"version", "1.0"},
              {"feature_dim", shape.feature_dim},
              {"rows_seen", knows.rows_seen}}
             .dump(1) + "\n";
}

/// A member of the metadata; null where it is absent.
class Metadata {
 public:
  explicit Metadata(const std::string& text) {
    try {
      whole_ = json::parse(text);
    } catch (const json::exception& e) {
      throw user_error("{}: is not JSON: {}", kMetadata, e.what());
    }
    if (!whole_.is_object()) throw user_error("{}: expected a JSON object", kMetadata);
  }

  const json& at(const char* name) const { return member(whole_, name); }
  static const json& member(const json& object, const char* name) {
    static const json nothing;
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
  }
  /// Whole numbers, which people also write in quotes.
  static std::uint64_t whole(const json& value, const std::string& name, std::uint64_t least, std::uint64_t most) {
    std::uint64_t number = 0;
    bool good = value.is_number_unsigned();
    if (good) number = value.get<std::uint64_t>();
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      good = !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
      if (good) number = std::stoull(text);
    }
    if (good && number >= least && number <= most) return number;
    throw user_error("{}: \"{}\" is {}; expected a whole number of {} to {}", kMetadata, name, value.is_null() ? "missing" : value.dump(),
                     least, most);
  }

 private:
  json whole_;
};

Task task_of(const json& value) {
  if (value == "classifier") return Task::classifier;
  if (value == "regressor") return Task::regressor;
  throw user_error("{}: \"predictor_type\" is {}; expected \"classifier\" or \"regressor\"", kMetadata,
                   value.is_null() ? "missing" : value.dump());
}

Shape shape_of(const Metadata& meta, const Index& index) {
  constexpr std::uint64_t widest = std::uint64_t{1} << 24;
  Shape shape;
  shape.width = index.d;
  const json& normalize = meta.at("normalize");
  if (!normalize.is_null() && !normalize.is_boolean())
    throw user_error("{}: \"normalize\" is {}; expected true or false", kMetadata, normalize.dump());
  shape.unit_length = normalize == true;
  const json& reduction = meta.at("dimension_reduction");
  if (!reduction.is_object()) {
    const json& width = meta.at("feature_dim");
    shape.feature_dim = shape.target = width.is_null() ? index.d : Metadata::whole(width, "feature_dim", 1, index.d);
    return shape;
  }
  const auto field = [&](const char* name, std::uint64_t least, std::uint64_t most) {
    return Metadata::whole(Metadata::member(reduction, name), std::string("dimension_reduction.") + name, least, most);
  };
  const json& type = Metadata::member(reduction, "type");
  if (type != "sign" && type != "fjlt") {
    throw user_error("{}: \"dimension_reduction.type\" is {}; expected \"sign\" or \"fjlt\"", kMetadata,
                     type.is_null() ? "missing" : type.dump());
  }
  if (Metadata::member(reduction, "generator") != kGenerator) {
    throw user_error(
        "{}: \"dimension_reduction.generator\" is {}; expected \"{}\": how other programs draw a projection from its seed is not known",
        kMetadata, Metadata::member(reduction, "generator").dump(), kGenerator);
  }
  shape.reduction = type == "sign" ? Reduction::sign : Reduction::fjlt;
  shape.feature_dim = field("input_dim", 1, widest);
  shape.target = field("target_dim", 1, std::min<std::uint64_t>(index.d, shape.feature_dim));
  shape.seed = field("seed", 0, ~std::uint64_t{0});
  return shape;
}

const std::string& member(const job::Model& model, const char* name) {
  const auto found = model.files.find(name);
  if (found == model.files.end()) throw user_error("member {} is missing; not a whole model of k-nearest neighbours", name);
  return found->second;
}

std::vector<float> labels_of(const std::string& bytes, std::size_t rows) {
  if (bytes.size() != rows * sizeof(float)) {
    throw user_error("{}: {} bytes; expected 4 for each of {} rows of the index", kLabels, bytes.size(), rows);
  }
  std::vector<float> labels(rows);
  std::memcpy(labels.data(), bytes.data(), bytes.size());
  for (const float label : labels) {
    if (!std::isfinite(label)) throw user_error("{}: holds labels that are not finite; the model is damaged", kLabels);
  }
  return labels;
}

std::vector<std::int64_t> positions_of(const job::Model& model, std::size_t rows) {
  const NamedTensor* tensor = model.tensor("positions");
  if (tensor == nullptr) return {};
  if (tensor->dtype != "I64" || tensor->shape != std::vector<std::uint64_t>{rows}) {
    throw user_error("model.safetensors: tensor \"positions\" is {} ({}); expected I64 ({})", tensor->dtype,
                     formats::shape_text(tensor->shape), rows);
  }
  std::vector<std::int64_t> positions(rows);
  std::memcpy(positions.data(), tensor->data.data(), tensor->data.size());
  return positions;
}

}  // namespace

void KnnPredictor::save(job::Model& model) const {
  model.files[kIndex] = write_faiss_index(knows_.index);
  model.files[kLabels] = std::string(reinterpret_cast<const char*>(knows_.labels.data()), knows_.labels.size() * sizeof(float));
  model.files[kMetadata] = metadata(knows_);
  if (knows_.shape.reduction != Reduction::none) model.files[kProjection] = Projection(knows_.shape).file();
  if (knows_.positions.empty()) return;
  NamedTensor positions{"positions", "I64", {knows_.positions.size()}, {}};
  positions.data.assign(reinterpret_cast<const char*>(knows_.positions.data()), knows_.positions.size() * sizeof(std::int64_t));
  model.tensors.push_back(std::move(positions));
}

std::unique_ptr<KnnPredictor> load(const job::Model& model) {
  const Metadata meta(member(model, kMetadata));
  Knowledge knows;
  knows.index = read_faiss_index(member(model, kIndex), kIndex);
  if (knows.index.rows == 0) throw user_error("{}: holds no rows", kIndex);
  knows.labels = labels_of(member(model, kLabels), knows.index.rows);
  knows.task = task_of(meta.at("predictor_type"));
  knows.k = Metadata::whole(meta.at("k"), "k", 1, knows.index.rows);
  knows.shape = shape_of(meta, knows.index);
  knows.positions = positions_of(model, knows.index.rows);
  if (const json& seen = meta.at("rows_seen"); !seen.is_null()) {
    knows.rows_seen = Metadata::whole(seen, "rows_seen", 0, std::uint64_t{1} << 62);
    if (knows.rows_seen != 0 && knows.rows_seen < knows.index.rows) {
      throw user_error("{}: \"rows_seen\" is {}; the index holds {}", kMetadata, knows.rows_seen, knows.index.rows);
    }
  }
  return std::make_unique<KnnPredictor>(std::move(knows));
}

bool recognises(const job::Model& model) {
  const auto index = model.files.find(kIndex);
  return index != model.files.end() && is_faiss_index(index->second) && model.files.count(kLabels) > 0;
}

}  // namespace smtrain::knn
