#include "algos/xgboost/predictor.h"

#include <algorithm>

#include "base/error.h"

namespace smtrain::xgboost {
namespace {

// "xgboost-model-10" after "xgboost-model-9".
bool by_number(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

std::vector<Booster> load_all(const Library& library, const Artifact& artifact) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : artifact.models) names.push_back(name);
  std::sort(names.begin(), names.end(), by_number);
  std::vector<Booster> boosters;
  for (const std::string& name : names) boosters.push_back(load_booster(library, artifact.models.at(name), name));
  return boosters;
}

}  // namespace

XgboostPredictor::XgboostPredictor(const Library& library, Artifact artifact)
    : artifact_(std::move(artifact)), answers_(load_all(library, artifact_)) {}

void XgboostPredictor::save(job::Model& model) const { xgboost::save(artifact_, model); }

std::optional<std::string> XgboostPredictor::as_json() const {
  if (answers_.models().size() > 1) return std::nullopt;
  return answers_.models().front().save("json");
}

std::vector<std::pair<std::string, std::string>> XgboostPredictor::facts() const {
  std::vector<std::pair<std::string, std::string>> facts = facts_of(answers_.models().front());
  const std::size_t models = answers_.models().size();
  if (models > 1) facts.insert(facts.begin(), {"models", fmt::format("{}, whose answers are put together; the first one:", models)});
  return facts;
}

std::unique_ptr<job::Predictor> load(const job::Model& model) {
  return std::make_unique<XgboostPredictor>(Library::open(), read_artifact(model));
}

}  // namespace smtrain::xgboost
