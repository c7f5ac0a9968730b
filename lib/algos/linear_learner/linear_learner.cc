#include "algos/linear_learner/linear_learner.h"

#include "algos/linear_learner/description.h"
#include "algos/linear_learner/predictor.h"
#include "algos/linear_learner/trainer.h"

namespace smtrain::linear {
namespace {

class LinearLearner final : public job::Algorithm {
 public:
  const job::Description& description() const override { return description_; }
  std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) const override {
    return linear::train(context, settings);
  }
  std::unique_ptr<job::Predictor> load(const job::Model& model) const override { return linear::load(model); }
  bool recognises(const job::Model& model) const override { return linear::recognises(model); }

 private:
  const job::Description description_ = describe();
};

}  // namespace

const job::Algorithm& algorithm() {
  static const LinearLearner linear_learner;
  return linear_learner;
}

}  // namespace smtrain::linear
