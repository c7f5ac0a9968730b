// What is known of rows beside the directions in which they vary: their number, weight, mean and total variation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace smtrain::pca {

/// Of no row at first.
struct Moments {
  double weight = 0;         ///< the sum of the rows' weights; their number where they have none
  std::uint64_t rows = 0;
  std::vector<double> mean;  ///< (d)
  double squares = 0;        ///< weighted squared distances to the mean, summed: the trace of the scatter matrix
};

/// The step between two means and the factor with which its outer product adds to their common scatter matrix (Chan, Golub & LeVeque
/// 1983): S = S_a + S_b + factor * transposed(step) step.
struct MeanStep {
  std::vector<double> step;
  double factor = 0;
};

/// a becomes the moments of the rows of both.
MeanStep merge(Moments& a, const Moments& b);

double squared_norm(std::span<const double> v);

}  // namespace smtrain::pca
