// What a model keeps for a training that goes on from it: weights in the units of its scaler, the scaler, the optimizer's moments.
#pragma once

#include <vector>

#include "algos/linear_learner/ensemble.h"
#include "algos/linear_learner/predictor.h"

namespace smtrain::linear {

/// Of one model: shapes as Weights and Moments with models = 1.
struct Continuation {
  Weights weights;
  Moments moments;
  Scaler scaler;
  Optimizer optimizer = Optimizer::adam;
};

/// Model number `model` out of `models`.
Weights pick_model(const Weights& all, const EnsembleShape& shape, std::size_t models, std::size_t model);
Moments pick_model(const Moments& all, const EnsembleShape& shape, std::size_t models, std::size_t model);
/// The same one, `models` times.
Weights spread(const Weights& one, const EnsembleShape& shape, std::size_t models);
Moments spread(const Moments& one, const EnsembleShape& shape, std::size_t models);

/// Weights that no row has ever moved become 0: what they started with says nothing of the feature.
void forget_untouched(Continuation& one);

/// Weights and bias for features as they are in the data: w = s_y w' / s, b = s_y b' + m_y - sum_j w_j m_j, into the model.
void fold(const Weights& one, const Scaler& scaler, LinearModel& model);
/// The inverse of fold, of the model's weights.
Weights unfold(const LinearModel& model, const Scaler& scaler);

/// As tensors of a model file; their names begin with "continue.".
std::vector<formats::NamedTensor> write_continuation(const Continuation& continuation, const EnsembleShape& shape);
/// False where the model has none, as those of the service. Throws a user Error when it is damaged.
bool read_continuation(const LinearModel& model, Continuation& to);

}  // namespace smtrain::linear
