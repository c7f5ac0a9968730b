// The file of a random cut forest: model_algo-1, a zip of forest.json and NumPy arrays (share/doc/reference/rcf.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "algos/rcf/forest.h"

namespace smtrain::rcf {

constexpr const char* kMember = "model_algo-1";

/// Mean and population deviation of the scores of the sample's rows.
struct ScoreStats {
  double mean = 0, deviation = 0;
  double cutoff() const { return mean + 3 * deviation; }
};

/// All that a model is.
struct RcfModel {
  Forest forest;
  std::size_t feature_dim = 0;            ///< of the rows as they come
  std::size_t shingle = 1;                ///< rows to a point
  std::vector<float> last_rows;           ///< (shingle - 1, feature_dim) the last of the series, where it is shingled
  std::uint64_t num_samples_per_tree = 0; ///< asked for: num_trees times that is what the sample may hold
  std::uint64_t rows_seen = 0;            ///< points that the sample was drawn from
  std::uint64_t seed = 0;
  ScoreStats stats;

  std::uint64_t sample_size() const { return num_samples_per_tree * forest.trees.size(); }
};

std::string write_artifact(const RcfModel& model);

/// Whether bytes begin as such a file does and hold a forest.json.
bool is_artifact(std::string_view bytes);

/// Throws a user Error that names the member and what is wrong: every array is checked, so that a forest that was read can be walked,
/// scored and updated without a further look.
RcfModel read_artifact(std::string_view bytes);

}  // namespace smtrain::rcf
