#include "algos/linear_learner/linear_learner.h"

#include "algos/linear_learner/description.h"
#include "algos/linear_learner/predictor.h"
#include "algos/linear_learner/trainer.h"

namespace smtrain::linear {
const job::Algorithm& algorithm() {
  static const job::BuiltIn built_in(describe(), {train, load, recognises});
  return built_in;
}

}  // namespace smtrain::linear
