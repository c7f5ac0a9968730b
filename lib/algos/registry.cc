#include "algos/registry.h"

#include <algorithm>

#include "algos/factorization_machines/factorization_machines.h"
#include "algos/kmeans/kmeans.h"
#include "algos/knn/knn.h"
#include "algos/linear_learner/linear_learner.h"
#include "algos/pca/pca.h"
#include "algos/rcf/rcf.h"
#include "algos/xgboost/xgboost.h"
#include "base/text.h"

namespace smtrain::algos {
namespace {

// One line per algorithm.
const std::vector<const job::Algorithm*>& list() {
  static const std::vector<const job::Algorithm*> algorithms = {
      &kmeans::algorithm(),
      &knn::algorithm(),
      &fm::algorithm(),
      &linear::algorithm(),
      &pca::algorithm(),
      &rcf::algorithm(),
      &xgboost::algorithm(),
  };
  return algorithms;
}

std::string plain(std::string_view name) {
  std::string text = to_lower(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

bool bears(const job::Description& d, const std::string& name) {
  return plain(d.name) == name ||
         std::any_of(d.aliases.begin(), d.aliases.end(), [&](const std::string& alias) { return plain(alias) == name; });
}

}  // namespace

std::span<const job::Algorithm* const> all() { return list(); }

const job::Algorithm* find(std::string_view name) {
  const std::string wanted = plain(name);
  const auto found = std::find_if(list().begin(), list().end(), [&](const auto* a) { return bears(a->description(), wanted); });
  return found == list().end() ? nullptr : *found;
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const job::Algorithm* algorithm : list()) names.push_back(algorithm->description().name);
  return names;
}

}  // namespace smtrain::algos
