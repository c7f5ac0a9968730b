// The hyperparameters of random cut forests, typed; names, ranges and defaults are declared in hyperparameters.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smtrain::rcf {

constexpr std::int64_t kServiceBatch = 1000;     ///< mini_batch_size, which the service fixes
constexpr std::size_t kMostFeatures = 10'000;    ///< of a point, shingled or not
constexpr std::size_t kMostSamples = 2048;       ///< of a tree

struct Params {
  std::int64_t feature_dim = 0;  ///< 0: the data tells it; of the rows as they come, before they are shingled
  std::int64_t num_trees = 100;
  std::int64_t num_samples_per_tree = 256;
  std::vector<std::string> eval_metrics;  ///< "accuracy", "precision_recall_fscore"
  std::int64_t mini_batch_size = kServiceBatch;
  std::int64_t shingle = 1;               ///< rows that are joined to a point
  bool shuffle_sample = false;            ///< hyperparameter _shuffle_sample
  std::optional<std::int64_t> seed;       ///< hyperparameter _seed; nullopt: the run's

  std::size_t sample_size() const { return static_cast<std::size_t>(num_trees * num_samples_per_tree); }
};

}  // namespace smtrain::rcf
