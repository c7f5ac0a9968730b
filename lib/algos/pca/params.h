// The hyperparameters of PCA, typed; names, ranges and defaults are declared in pca.cc.
#pragma once

#include <cstdint>

namespace smtrain::pca {

enum class Mode {
  regular,     ///< the scatter matrix, exactly
  randomized,  ///< a sketch of it
  stable,      ///< an old name, which means regular
};

struct Params {
  std::int64_t feature_dim = 0;  ///< 0: the data tells it
  std::int64_t mini_batch_size = 500;
  std::int64_t num_components = 0;
  Mode algorithm_mode = Mode::regular;
  std::int64_t extra_components = -1;  ///< -1: as many as num_components, and at least 10
  bool subtract_mean = true;
  std::int64_t epochs = 1;

  bool exact() const { return algorithm_mode != Mode::randomized; }
};

}  // namespace smtrain::pca
