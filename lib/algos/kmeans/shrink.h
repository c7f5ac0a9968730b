// Shrinking: the K centres of the stream become the k of the model, by weighted Lloyd iterations with several trials.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "algos/kmeans/params.h"
#include "base/random.h"
#include "compute/backend.h"

namespace smtrain::kmeans {

struct Shrunk {
  std::vector<float> centers;   ///< (k, d)
  std::vector<double> counts;   ///< weight of the points of each centre
  double msd = 0;               ///< weighted mean squared distance of the points to their centres
};

struct LloydOptions {
  std::size_t k = 0;
  Init init = Init::plus_plus;
  std::int64_t max_iterations = 300;
  std::int64_t trials = 10;
  double tolerance = 1e-4;  ///< ends a trial when (ssd_prev - ssd) / ssd_prev is at most this
};

/// Points (n, d) packed with weights (n); points of weight zero are left out unless fewer than k would remain. An emptied
/// cluster is given the point of largest weight × distance. The trial of least loss wins, the first of equals.
/// `on_trial(i, msd)` reports; `poll` is called between iterations and may throw; when it says false, the best so far is it.
Shrunk shrink(compute::Backend& backend, std::span<const float> points, std::span<const double> weights, std::size_t d,
              const LloydOptions& options, RandomStream random, const std::function<void(std::int64_t, double)>& on_trial,
              const std::function<bool()>& poll);

}  // namespace smtrain::kmeans
