// Losses of a score and its label, as they are reported; what a score says to the user.
#pragma once

#include <cstddef>
#include <span>

#include "algos/linear_learner/params.h"

namespace smtrain::linear {

/// A loss with its parameters, in the units of the label. f is the score b + w·x, e = f - y, p the weight of positive rows.
struct LossFunction {
  Loss loss = Loss::squared_loss;
  double quantile = 0.5;
  double huber_delta = 1;
  double loss_insensitivity = 0.01;
  double margin = 1;
  double positive_weight = 1;

  /// Of one row; every loss but softmax_loss.
  ///   squared_loss                   e²
  ///   absolute_loss                  |e|
  ///   quantile_loss                  q max(0, y - f) + (1 - q) max(0, f - y)       Koenker & Bassett 1978
  ///   huber_loss                     e²/2 where |e| < δ, else δ|e| - δ²/2          Huber 1964
  ///   eps_insensitive_squared_loss   max(0, e² - ε²)
  ///   eps_insensitive_absolute_loss  max(0, |e| - ε)
  ///   logistic                       -p y log σ(f) - (1 - y) log(1 - σ(f))
  ///   hinge_loss                     p y max(0, (m + 1)/2 - f) + (1 - y) max(0, f + (m - 1)/2)
  double operator()(double f, double y) const;
};

/// The resolved loss of a training; `positive_weight` is that of its model.
LossFunction loss_function(const Params& params, double positive_weight = 1);

/// -log softmax(f)_y of one row; y < f.size().
double softmax_loss(std::span<const float> f, std::size_t y);

/// What a binary model or a regressor answers for a score: σ(f) with logistic, otherwise f. Thresholds are on this scale.
float answer_of(Loss loss, float f);

/// Probabilities of the classes, in place of their scores.
void softmax(std::span<float> f);

/// The class with the highest score, the lowest one of equals.
std::size_t best_class(std::span<const float> f);

/// The threshold of a model that was not calibrated; hinge_loss works on labels 0 and 1, too.
constexpr double kNaturalThreshold = 0.5;

/// Whether a binary model labels an answer 1.
inline bool is_positive(float answer, double threshold) { return static_cast<double>(answer) >= threshold; }

}  // namespace smtrain::linear
