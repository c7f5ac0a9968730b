#include "algos/xgboost/artifact.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "algos/xgboost/model_check.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

using nlohmann::json;

constexpr std::string_view kMember = "xgboost-model";
constexpr std::size_t kShownFeatures = 20;

bool is_hidden(const std::string& name) { return name.starts_with('.') || name.find("/.") != std::string::npos; }

// Where a pickle holds what the engine wrote: a snapshot, or a bare model.
std::string hint_of_pickle(std::string_view bytes) {
  for (const std::string_view mark : {"CONFIG-offset:", "binf", "{L\0\0\0\0\0\0\0\7learner"}) {
    const std::size_t at = bytes.find(mark);
    if (at != std::string_view::npos) return fmt::format(" (the engine's own bytes begin at {})", at);
  }
  return "";
}

[[noreturn]] void refuse_pickle(const std::string& name, std::string_view bytes) {
  throw user_error("{}: is a Python pickle, as containers up to 1.2 wrote it{}; a pickle can run any program and is not opened: where you trust "
                   "it, convert it with the XGBoost that wrote it: python3 -c \"import pickle; "
                   "pickle.load(open('{}', 'rb')).save_model('xgboost-model')\"", name, hint_of_pickle(bytes), kMember);
}

json config_of(const Booster& booster) { return json::parse(booster.config(), nullptr, false); }

std::string text_at(const json& config, const char* pointer) {
  const json::json_pointer at(pointer);
  if (!config.is_object() || !config.contains(at) || !config[at].is_string()) return "";
  return config[at].get<std::string>();
}

// ---- importance -----------------------------------------------------------------------------------------------------------

struct Importance {
  std::string feature;
  double weight = 0, gain = 0, cover = 0, total_gain = 0, total_cover = 0;
};

std::vector<Importance> importance_of_trees(const Booster& booster) {
  std::map<std::string, Importance> by_name;
  const std::pair<const char*, double Importance::*> kinds[] = {{"weight", &Importance::weight},
                                                                {"gain", &Importance::gain},
                                                                {"cover", &Importance::cover},
                                                                {"total_gain", &Importance::total_gain},
                                                                {"total_cover", &Importance::total_cover}};
  for (const auto& [kind, field] : kinds) {
    const FeatureScores scores = booster.feature_scores(kind);
    for (std::size_t i = 0; i < scores.features.size(); ++i) {
      Importance& importance = by_name[scores.features[i]];
      importance.feature = scores.features[i];
      importance.*field = static_cast<double>(scores.values[i]);
    }
  }
  std::vector<Importance> all;
  for (auto& [name, importance] : by_name) all.push_back(std::move(importance));
  std::stable_sort(all.begin(), all.end(), [](const Importance& a, const Importance& b) { return a.total_gain > b.total_gain; });
  return all;
}

using Facts = std::vector<std::pair<std::string, std::string>>;

void add_trees(const Booster& booster, Facts& facts) {
  const std::vector<Importance> all = importance_of_trees(booster);
  for (std::size_t i = 0; i < std::min(all.size(), kShownFeatures); ++i) {
    const Importance& f = all[i];
    facts.emplace_back("importance of " + f.feature,
                       fmt::format("weight {:.6g}, gain {:.6g}, cover {:.6g}, total_gain {:.6g}, total_cover {:.6g}", f.weight, f.gain, f.cover,
                                   f.total_gain, f.total_cover));
  }
  if (all.size() > kShownFeatures) facts.emplace_back("less important", counted(all.size() - kShownFeatures, "feature"));
  if (booster.features() > all.size()) facts.emplace_back("in no tree", counted(booster.features() - all.size(), "feature"));
}

void add_weights(const Booster& booster, Facts& facts) {
  const FeatureScores scores = booster.feature_scores("weight");
  for (std::size_t i = 0; i < std::min(scores.features.size(), kShownFeatures); ++i) {
    std::string weights;
    for (std::size_t c = 0; c < scores.classes; ++c) {
      weights += (c > 0 ? ", " : "") + fmt::format("{:.6g}", scores.values[i * scores.classes + c]);
    }
    facts.emplace_back("weight of " + scores.features[i], weights);
  }
  if (scores.features.size() > kShownFeatures) facts.emplace_back("not shown", counted(scores.features.size() - kShownFeatures, "feature"));
}

}  // namespace

ModelKind kind_of(std::string_view bytes) {
  if (bytes.size() < 2) return ModelKind::unknown;
  if (bytes[0] == '\x80' && bytes[1] >= 0 && bytes[1] <= 5) return ModelKind::pickle;
  if (bytes.starts_with("binf") || bytes.starts_with("bs64")) return ModelKind::binary;
  if (bytes[0] == '{') {
    const std::string_view start = bytes.substr(0, 64);
    const bool ours = start.find("learner") != std::string_view::npos || start.find("version") != std::string_view::npos;
    if (!ours) return ModelKind::unknown;
    return bytes[1] == 'L' || bytes[1] == 'i' || bytes[1] == 'U' || bytes[1] == 'l' ? ModelKind::ubjson : ModelKind::json;
  }
  // Old files begin with the learner's numbers: base_score, the number of features and of classes, and 29 reserved zeros.
  if (bytes.size() < 136) return ModelKind::unknown;
  const bool reserved = std::all_of(bytes.begin() + 40, bytes.begin() + 136, [](char c) { return c == 0; });
  return reserved && bytes.find("gb") != std::string_view::npos ? ModelKind::binary : ModelKind::unknown;
}

void save(const Artifact& artifact, job::Model& model) {
  for (const auto& [name, bytes] : artifact.models) model.files[name] = bytes;
  for (const auto& [name, bytes] : artifact.others) model.files[name] = bytes;
}

Artifact read_artifact(const job::Model& model) {
  Artifact artifact;
  for (const auto& [name, bytes] : model.files) {
    if (is_hidden(name)) continue;
    const ModelKind kind = kind_of(bytes);
    const bool named = name.starts_with(kMember);
    if (kind == ModelKind::pickle) refuse_pickle(name, bytes);
    if (named || kind != ModelKind::unknown) {
      check_model(bytes, name);
      artifact.models[name] = bytes;
    } else {
      artifact.others[name] = bytes;
    }
  }
  if (artifact.models.empty()) throw user_error("the tarball has no member {}; not a model of xgboost", kMember);
  return artifact;
}

bool recognises(const job::Model& model) {
  return std::any_of(model.files.begin(), model.files.end(), [](const auto& file) {
    const ModelKind kind = kind_of(file.second);
    return file.first.starts_with(kMember) || kind == ModelKind::ubjson || kind == ModelKind::json || kind == ModelKind::binary;
  });
}

Booster load_booster(const Library& library, std::string_view bytes, const std::string& name) {
  if (kind_of(bytes) == ModelKind::pickle) refuse_pickle(name, bytes);
  Booster booster(library);
  try {
    booster.load(bytes);
    booster.config();
  } catch (const Error& e) {
    // Want of memory, too, is how a damaged length shows.
    throw user_error("{}: cannot be loaded by XGBoost {}: {}", name, library.version().to_string(), e.what());
  }
  return booster;
}

job::Coefficients importance_of(const Booster& booster) {
  const bool linear = text_at(config_of(booster), "/learner/learner_train_param/booster") == "gblinear";
  const std::size_t features = booster.features();
  const std::vector<std::string> names = booster.feature_names();
  std::map<std::string, std::size_t> row_of;
  for (std::size_t i = 0; i < features; ++i) row_of[names.size() == features ? names[i] : fmt::format("f{}", i)] = i;
  const std::vector<const char*> kinds = linear ? std::vector<const char*>{"weight"}
                                                : std::vector<const char*>{"weight", "gain", "cover", "total_gain", "total_cover"};
  job::Coefficients all;
  std::vector<float> values;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const FeatureScores scores = booster.feature_scores(kinds[k]);
    const std::size_t width = linear ? scores.classes : kinds.size();
    values.resize(features * width);
    for (std::size_t i = 0; i < scores.features.size(); ++i) {
      const auto row = row_of.find(scores.features[i]);
      if (row == row_of.end()) continue;
      for (std::size_t c = 0; c < scores.classes; ++c) values[row->second * width + k + c] = scores.values[i * scores.classes + c];
    }
    if (!linear) all.columns.emplace_back(kinds[k]);
    for (std::size_t c = 0; linear && c < width; ++c) all.columns.push_back(width == 1 ? "weight" : fmt::format("weight_{}", c));
  }
  all.matrix = formats::NamedTensor::f32("importance", {features, all.columns.size()}, values.data());
  return all;
}

Facts facts_of(const Booster& booster) {
  const json config = config_of(booster);
  Facts facts{{"engine", "XGBoost " + booster.library().version().to_string()},
              {"objective", text_at(config, "/learner/learner_train_param/objective")},
              {"booster", text_at(config, "/learner/learner_train_param/booster")},
              {"base_score", text_at(config, "/learner/learner_model_param/base_score")}};
  const std::string classes = text_at(config, "/learner/learner_model_param/num_class");
  if (!classes.empty() && classes != "0") facts.emplace_back("classes", classes);
  if (facts[2].second == "gblinear") {
    add_weights(booster, facts);
  } else {
    facts.emplace_back("rounds", grouped(static_cast<std::uint64_t>(booster.rounds())));
    add_trees(booster, facts);
  }
  return facts;
}

}  // namespace smtrain::xgboost
