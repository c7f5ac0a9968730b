// A model tarball as a predictor, whoever wrote it.
#pragma once

#include <memory>
#include <string>

#include "job/algorithm.h"

namespace smtrain::run {

struct LoadedModel {
  job::Model model;
  const job::Algorithm* algorithm = nullptr;
  std::unique_ptr<job::Predictor> predictor;
};

/// Reads a tarball of ours, or of the service, whose algorithm is recognised by its members. Throws a user Error when no
/// algorithm knows it.
LoadedModel load_model(const std::string& path);

/// The model that training of `algorithm` starts from. Throws a user Error when its manifest names another algorithm.
job::Model read_start_model(const std::string& path, const job::Description& algorithm);

/// Only which algorithm a model belongs to; nullptr when none knows it.
const job::Algorithm* algorithm_of(const job::Model& model);

}  // namespace smtrain::run
