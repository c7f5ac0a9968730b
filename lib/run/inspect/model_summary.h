// A model tarball, summed up for `inspect`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "job/algorithm.h"
#include "job/model.h"

namespace smtrain::run {

struct ModelSummary {
  std::string path;
  std::uint64_t bytes = 0;                                     ///< of the tarball
  job::Model model;
  std::string algorithm;                                       ///< of the manifest, or recognised; "" when nobody knows it
  bool ours = false;                                           ///< has a manifest
  std::vector<std::pair<std::string, std::uint64_t>> members;  ///< name and bytes
  std::vector<std::pair<std::string, std::string>> facts;      ///< of its predictor
  std::optional<job::Coefficients> coefficients;               ///< of its predictor
  std::string problem;                                         ///< why it cannot be loaded; "" when it can
};

/// Whether a path is a model rather than data: a tarball by suffix or content, or a folder with the members of one.
bool looks_like_model(const std::string& path);

/// Reads and loads a model. Throws a user Error when it cannot be read; one that can be read and not loaded is an answer
/// with a `problem`.
ModelSummary summarize_model(const std::string& path);

/// For people.
std::string model_text(const ModelSummary& summary);
/// For programs: an object with "schema": 1 and "kind": "model". `values`: the numbers of each tensor too, as nested lists.
std::string model_json(const ModelSummary& summary, bool values);

/// A tensor's numbers as doubles, whatever its type; throws a user Error for types that hold none.
std::vector<double> numbers_of(const formats::NamedTensor& tensor);

}  // namespace smtrain::run
