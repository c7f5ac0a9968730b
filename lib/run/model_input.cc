#include "run/model_input.h"

#include "algos/registry.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::run {

const job::Algorithm* algorithm_of(const job::Model& model) {
  if (!model.manifest.algorithm.empty()) return algos::find(model.manifest.algorithm);
  for (const job::Algorithm* a : algos::all()) {
    if (a->recognises(model)) return a;
  }
  return nullptr;
}

LoadedModel load_model(const std::string& path) {
  LoadedModel loaded{job::read_model(path), nullptr, nullptr};
  loaded.algorithm = algorithm_of(loaded.model);
  if (loaded.algorithm == nullptr) {
    const std::string& name = loaded.model.manifest.algorithm;
    throw user_error("{}: {}; this smtrain knows: {}", path,
                     name.empty() ? std::string("no algorithm recognises what is in it")
                                  : fmt::format("is a model of {}, which is not known here", quoted(name)),
                     join(algos::names(), ", "));
  }
  try {
    loaded.predictor = loaded.algorithm->load(loaded.model);
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", path, e.what()));
  }
  return loaded;
}

job::Model read_start_model(const std::string& path, const job::Description& algorithm) {
  job::Model model = job::read_model(path);
  const std::string& name = model.manifest.algorithm;
  if (!name.empty() && name != algorithm.name) {
    throw user_error("--model {}: is a model of {}; {} can only go on from one of {}", path, smtrain::quoted(name), algorithm.name,
                     algorithm.name);
  }
  return model;
}

}  // namespace smtrain::run
