// How well answers agree with labels, for several k at once.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "algos/knn/params.h"
#include "dist/communicator.h"

namespace smtrain::knn {

/// Sums over rows; for one k those of classes, too.
class Score {
 public:
  /// ks: ascending; k is one of them.
  Score(Task task, std::vector<std::size_t> ks, std::size_t k) : task_(task), k_(k), ks_(std::move(ks)), sums_(ks_.size() + 1, 0.0) {}

  /// A row: its label, and those of its neighbours, nearest first, as many as were found of the largest k.
  void add(float label, std::span<const float> neighbours);
  /// Joins those of all processes. Collective.
  void combine(dist::Communicator& workers);

  const std::vector<std::size_t>& ks() const { return ks_; }
  /// Of ks()[i]: the share of labels that are right, or the mean squared error; no rows: 0.
  double value(std::size_t i) const { return sums_.back() > 0 ? sums_[i] / sums_.back() : 0; }
  double value_of_k() const;
  /// The mean of the classes' F1, of those that occur among the labels.
  double macro_f1() const;

 private:
  struct Counts {
    double right = 0, predicted = 0, labelled = 0;
  };

  Task task_;
  std::size_t k_;
  std::vector<std::size_t> ks_;
  std::vector<double> sums_;  // of each k, and the rows
  std::map<float, Counts> classes_;
  std::vector<float> scratch_;
};

/// The k that are worth a look beside `k`, ascending: 1, 2, 3, 5, 7, 10, ... up to k, and to 20 where there are as many rows.
std::vector<std::size_t> ks_to_try(std::size_t k, std::size_t rows);

}  // namespace smtrain::knn
