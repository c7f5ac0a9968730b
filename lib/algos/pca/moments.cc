#include "algos/pca/moments.h"

namespace smtrain::pca {

MeanStep merge(Moments& a, const Moments& b) {
  a.rows += b.rows;
  if (b.weight == 0) return {std::vector<double>(a.mean.size()), 0};
  if (a.weight == 0) {
    const std::uint64_t rows = a.rows;
    a = b;
    a.rows = rows;
    return {std::vector<double>(a.mean.size()), 0};
  }
  const double weight = a.weight + b.weight;
  MeanStep between{std::vector<double>(a.mean.size()), a.weight * b.weight / weight};
  for (std::size_t j = 0; j < a.mean.size(); ++j) {
    between.step[j] = b.mean[j] - a.mean[j];
    a.mean[j] += between.step[j] * (b.weight / weight);
  }
  a.squares += b.squares + between.factor * squared_norm(between.step);
  a.weight = weight;
  return between;
}

double squared_norm(std::span<const double> v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return sum;
}

}  // namespace smtrain::pca
