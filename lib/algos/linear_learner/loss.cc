#include "algos/linear_learner/loss.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace smtrain::linear {
namespace {

// log(1 + exp(x)) without overflow, and without losing small values.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double huber(double e, double delta) {
  const double size = std::abs(e);
  return size < delta ? 0.5 * e * e : delta * size - 0.5 * delta * delta;
}

}  // namespace

double LossFunction::operator()(double f, double y) const {
  const double e = f - y;
  switch (loss) {
    case Loss::squared_loss: return e * e;
    case Loss::absolute_loss: return std::abs(e);
    case Loss::quantile_loss: return e < 0 ? quantile * -e : (1 - quantile) * e;
    case Loss::huber_loss: return huber(e, huber_delta);
    case Loss::eps_insensitive_squared_loss: return std::max(0.0, e * e - loss_insensitivity * loss_insensitivity);
    case Loss::eps_insensitive_absolute_loss: return std::max(0.0, std::abs(e) - loss_insensitivity);
    case Loss::logistic: return positive_weight * y * softplus(-f) + (1 - y) * softplus(f);
    case Loss::hinge_loss:
      return positive_weight * y * std::max(0.0, (margin + 1) / 2 - f) + (1 - y) * std::max(0.0, f + (margin - 1) / 2);
    case Loss::softmax_loss:
    case Loss::automatic: break;
  }
  throw internal_error("linear-learner: {} is not a loss of one score", name_of(loss));
}

LossFunction loss_function(const Params& params, double positive_weight) {
  return {loss_of(params), params.quantile, params.huber_delta, params.loss_insensitivity, params.margin, positive_weight};
}

double softmax_loss(std::span<const float> f, std::size_t y) {
  const double most = *std::max_element(f.begin(), f.end());
  double sum = 0;
  for (const float score : f) sum += std::exp(static_cast<double>(score) - most);
  return std::log(sum) + most - static_cast<double>(f[y]);
}

float answer_of(Loss loss, float f) {
  if (loss != Loss::logistic) return f;
  const double x = f;
  const double small = std::exp(-std::abs(x));  // no overflow on either side
  return static_cast<float>((x < 0 ? small : 1.0) / (1.0 + small));
}

void softmax(std::span<float> f) {
  const double most = *std::max_element(f.begin(), f.end());
  double sum = 0;
  for (const float score : f) sum += std::exp(static_cast<double>(score) - most);
  for (float& score : f) score = static_cast<float>(std::exp(static_cast<double>(score) - most) / sum);
}

std::size_t best_class(std::span<const float> f) {
  return static_cast<std::size_t>(std::max_element(f.begin(), f.end()) - f.begin());
}

}  // namespace smtrain::linear
