// The hyperparameters of k-means, typed; names, ranges and defaults are declared in kmeans.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smtrain::kmeans {

/// How centres are chosen to begin with.
enum class Init {
  random,     ///< distinct rows, uniformly
  plus_plus,  ///< each row with a probability that grows with its squared distance to the nearest chosen one
};

struct Params {
  std::int64_t feature_dim = 0;  ///< 0: the data tells it
  std::int64_t k = 0;
  std::int64_t epochs = 1;
  std::vector<std::string> eval_metrics;             ///< "msd", "ssd"
  std::optional<std::int64_t> extra_center_factor;   ///< nullopt: auto
  std::int64_t half_life_time_size = 0;              ///< rows; 0: no decay
  Init init_method = Init::random;
  Init local_lloyd_init_method = Init::plus_plus;
  std::int64_t local_lloyd_max_iter = 300;
  std::optional<std::int64_t> local_lloyd_num_trials;  ///< nullopt: auto
  double local_lloyd_tol = 1e-4;
  std::int64_t mini_batch_size = 5000;
  std::optional<std::int64_t> seed;                  ///< hyperparameter _seed; nullopt: the run's
};

}  // namespace smtrain::kmeans
