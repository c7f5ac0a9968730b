// Rules of learning that operations of a Backend follow: how scores are judged, and how parameters step. Plain numbers, the same for
// every backend.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtrain::compute {

/// What a score f of a row with label y costs; e = f - y. Labels of logistic and hinge are 0 or 1, those of softmax class numbers.
enum class Loss : std::uint8_t {
  squared,       ///< e^2
  absolute,      ///< |e|
  quantile,      ///< q max(0, -e) + (1 - q) max(0, e)      (Koenker, Bassett 1978)
  huber,         ///< e^2 / 2 where |e| < delta, else delta |e| - delta^2 / 2   (Huber 1964)
  eps_squared,   ///< max(0, e^2 - epsilon^2)
  eps_absolute,  ///< max(0, |e| - epsilon)
  logistic,      ///< -p y log s(f) - (1 - y) log(1 - s(f)), s the logistic function
  hinge,         ///< p y max(0, (margin + 1) / 2 - f) + (1 - y) max(0, f + (margin - 1) / 2)
  softmax,       ///< -log softmax(f)_y
};

struct LossRule {
  Loss loss = Loss::squared;
  double quantile = 0.5, delta = 1, epsilon = 0.01, margin = 1;
  std::size_t classes = 1;  ///< scores of one model and row; more than 1 with softmax alone
};

/// How a step follows from the gradient g of a parameter t, at its own rate, decay (L2) and l1:
///   g <- rescale g + decay t, then within +-clip where clip > 0;
///   sgd:     m <- beta_1 m + g;                                t <- t - rate m
///   adam:    m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g^2;
///            t <- t - rate sqrt(1 - beta_2^n) / (1 - beta_1^n) m / (sqrt(v) + epsilon) at step n  (Kingma, Ba 2015, section 2)
///   rmsprop: v <- beta_2 v + (1 - beta_2) g^2;                 t <- t - rate g / (sqrt(v) + epsilon)
///   adagrad: v <- v + g^2;                                     t <- t - rate g / (sqrt(v) + epsilon)  (Duchi et al. 2011)
///   and last t <- sign(t) max(0, |t| - rate l1).
/// Where a trail r is kept, r <- r + trail_weight (change of t). With the number of steps since the trail was zero as the weight,
/// 0, 1, ..., n - 1, the mean of t over these n steps is t - r / n (Polyak, Juditsky 1992), also where steps touch few rows.
struct StepRule {
  enum class Kind : std::uint8_t { sgd, adam, rmsprop, adagrad };
  Kind kind = Kind::adam;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  double rescale = 1, clip = 0;
  std::uint64_t step = 1;  ///< n, from 1
  double trail_weight = 0;
};

}  // namespace smtrain::compute
