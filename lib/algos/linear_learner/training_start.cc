// From the data to the first weights: random ones, those of a start model, or of a checkpoint.
#include <algorithm>

#include "algos/linear_learner/continuation.h"
#include "algos/linear_learner/labels.h"
#include "algos/linear_learner/training.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::linear {
namespace {

constexpr std::uint64_t kSampleBytes = std::uint64_t{256} << 20;
constexpr double kAbsentClass = 1e6;  // weight of a class that the sample lacks, where one of frequency 1 has 1

}  // namespace

Trainer::Trainer(job::Context& context, job::Settings& settings)
    : context_(context), settings_(settings), params_(settings.as<Params>()), workers_(context.communicator()),
      backend_(context.backend()), target_(target_of(params_)) {}

// Without a validation channel the rows that were trained on are read again: to judge the weights of the best epochs and their
// means, and to score what was chosen.
job::PassPlan Trainer::plan() const {
  return {"train", static_cast<std::size_t>(params_.mini_batch_size), params_.epochs,
          static_cast<std::size_t>(params_.feature_dim.value_or(0)), validates() ? 0 : 3};
}

void Trainer::open() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  for (const std::string& sentence : advice(params_)) context_.log().warning("{}", sentence);
  passes_.emplace(context_, plan());
  check_labels_there("train", passes_->schema());
  shape_ = {passes_->schema().feature_dim, classes_of(params_), passes_->schema().sparse};
  if (passes_->resumes()) {
    restore();
  } else {
    start();
  }
  resolve_settings();
}

void Trainer::start() {
  look_at_sample();
  make_ensemble();
  if (context_.start_model() != nullptr) {
    continue_model();
  } else {
    ensemble_->start([&](std::size_t m) { return context_.random(fmt::format("linear.init.{}", m)); });
  }
}

void Trainer::look_at_sample() {
  const auto wanted = static_cast<std::uint64_t>(params_.num_point_for_scaler);
  const std::span<const formats::Batch> batches = passes_->peek(wanted + 1, kSampleBytes);
  for (const formats::Batch& batch : batches) check_labels(params_, batch);
  const std::size_t classes = params_.predictor_type == PredictorType::regressor ? 0 : std::max<std::size_t>(shape_.classes, 2);
  const Sample sample = measure_sample(batches, shape_.d, classes, workers_);
  if (sample.rows < static_cast<std::uint64_t>(params_.mini_batch_size)) {
    context_.log().warning("mini_batch_size {} is larger than the data: a mini-batch holds all {} rows", params_.mini_batch_size,
                           sample.rows);
  }
  if (sample.single_label) {
    context_.log().warning("the first {} rows all bear the same label: shuffle the rows of the train channel, or check its label column",
                           sample.rows);
  }
  class_counts_ = sample.class_counts;
  scaler_ = make_scaler(params_, sample, shape_.sparse);
  if (shape_.sparse && unbiases_data(params_)) {
    context_.log().detail("rows are sparse: features are not shifted, the bias takes their means up");
  }
  if (shape_.sparse && !scaler_.scale.empty()) tell_of_stretch();
}

// A feature that one row of 10,000 has is multiplied by 100: it is learned by heart, and its first weight is noise.
void Trainer::tell_of_stretch() const {
  constexpr float much = 20;
  const float most = *std::max_element(scaler_.scale.begin(), scaler_.scale.end());
  if (most < much) return;
  context_.log().info("rows are sparse, and features that few of the first rows have are multiplied by up to {:.3g} (normalize_data=true); "
                      "normalize_data=auto leaves sparse rows as they are", most);
}

void Trainer::make_ensemble() {
  const LabelCounts counts = is_binary() ? LabelCounts{class_counts_[0], class_counts_[1]} : LabelCounts{};
  grid_ = make_grid(params_, counts);
  for (const std::string& sentence : grid_.warnings) context_.log().warning("{}", sentence);
  const double need = Ensemble::bytes(shape_, models());
  if (need > static_cast<double>(context_.memory_limit())) {
    throw user_error("{} models of {} weights need {} of memory; the limit is {}: lower num_models, or raise --memory-limit", models(),
                     shape_.d * shape_.classes, format_bytes(static_cast<std::uint64_t>(need)), format_bytes(context_.memory_limit()));
  }
  stopping_.assign(models(), {params_.early_stopping_patience, params_.early_stopping_tolerance,
                              judges_by_target() && target_.maximizes()});
  ensemble_.emplace(backend_, workers_, params_, grid_.points, scaler_, shape_);
  if (params_.balance_multiclass_weights && params_.predictor_type == PredictorType::multiclass_classifier) balance_classes();
}

// A class weighs the inverse of its frequency; divided by the number of classes that there are, so that rows weigh 1 on average.
void Trainer::balance_classes() {
  double rows = 0, present = 0;
  for (const std::uint64_t count : class_counts_) {
    rows += static_cast<double>(count);
    present += count > 0 ? 1 : 0;
  }
  class_unit_ = std::max(present, 1.0);
  std::vector<float> weights;
  for (std::size_t c = 0; c < class_counts_.size(); ++c) {
    const auto count = static_cast<double>(class_counts_[c]);
    if (count == 0) context_.log().warning("class {} is not among the first {} rows: it weighs {:.0f}", c, rows, kAbsentClass);
    weights.push_back(static_cast<float>((count > 0 ? rows / count : kAbsentClass) / class_unit_));
  }
  ensemble_->weigh_classes(std::move(weights));
}

void Trainer::continue_model() {
  const std::unique_ptr<LinearPredictor> before = load(*context_.start_model());
  const LinearModel& model = before->model();
  if (model.predictor_type != params_.predictor_type) {
    throw user_error("--model: is a {}, but predictor_type is {}", name_of(model.predictor_type), name_of(params_.predictor_type));
  }
  if (model.d != shape_.d) throw user_error("--model: was trained on {} features, the train channel has {}", model.d, shape_.d);
  if (model.classes != shape_.classes) {
    throw user_error("--model: tells {} classes apart, but num_classes is {}", model.classes, shape_.classes);
  }
  Continuation kept;
  if (!read_continuation(model, kept)) {
    context_.log().info("the start model holds weights alone: the optimizer begins anew, and features are measured on these rows");
    kept.weights = unfold(model, scaler_);
  } else {
    scaler_ = kept.scaler;
    make_ensemble();
    if (kept.optimizer == optimizer_of(params_)) {
      ensemble_->set(spread(kept.moments, shape_, models()));
    } else {
      context_.log().info("the start model was trained with optimizer {}: {} begins anew", name_of(kept.optimizer),
                          name_of(optimizer_of(params_)));
    }
  }
  ensemble_->set(spread(kept.weights, shape_, models()));
}

void Trainer::restore() {
  const job::State& state = *context_.resumed();
  scaler_ = Scaler::restored(state, shape_.d);
  class_counts_.clear();
  for (const double count : state.f64("class_counts", {state.count("classes")})) class_counts_.push_back(static_cast<std::uint64_t>(count));
  make_ensemble();
  ensemble_->restore(state);
  for (std::size_t m = 0; m < models(); ++m) stopping_[m].restore(state, fmt::format("model.{}.", m));
  broken_ = state.count("broken");
  if (state.integer("has_best") != 0) restore_best(state);
}

void Trainer::restore_best(const job::State& state) {
  const std::uint64_t width = shape_.classes * models();
  best_ = Weights{state.f32("best.theta", {shape_.d, width}), state.f32("best.bias", {width})};
  best_average_ = Weights{state.f32("best.average.theta", {shape_.d, width}), state.f32("best.average.bias", {width})};
  const std::vector<double> numbers = state.f64("best.verdicts", {models(), 6});
  best_verdicts_.clear();
  for (std::size_t m = 0; m < models(); ++m) {
    const double* v = numbers.data() + 6 * m;
    best_verdicts_.push_back({v[0] != 0, v[1] != 0, v[2], v[3], v[4], v[5]});
  }
  calibrated_on_ = {state.count("calibrated.rows"), state.count("calibrated.positives"), state.text("calibrated.channel")};
}

void Trainer::save(job::State& state) const {
  scaler_.save(state);
  const std::vector<double> counts(class_counts_.begin(), class_counts_.end());
  state.put("classes", std::uint64_t{counts.size()});
  state.put("class_counts", {counts.size()}, counts);
  state.put("broken", std::uint64_t{broken_});
  ensemble_->save(state);
  for (std::size_t m = 0; m < models(); ++m) stopping_[m].save(state, fmt::format("model.{}.", m));
  state.put("has_best", std::int64_t{best_.has_value()});
  if (!best_) return;
  const std::uint64_t width = shape_.classes * models();
  state.put("best.theta", {shape_.d, width}, best_->theta);
  state.put("best.bias", {width}, best_->bias);
  state.put("best.average.theta", {shape_.d, width}, best_average_->theta);
  state.put("best.average.bias", {width}, best_average_->bias);
  std::vector<double> numbers;
  for (const Verdict& v : best_verdicts_) {
    for (const double number : {v.usable ? 1.0 : 0.0, v.feasible ? 1.0 : 0.0, v.value, v.side, v.threshold, v.objective}) numbers.push_back(number);
  }
  state.put("best.verdicts", {models(), 6}, numbers);
  state.put("calibrated.rows", calibrated_on_.rows);
  state.put("calibrated.positives", calibrated_on_.positives);
  state.put("calibrated.channel", calibrated_on_.channel);
}

void Trainer::resolve_settings() {
  settings_.resolve_auto("feature_dim", std::to_string(shape_.d));
  settings_.resolve_auto("num_models", std::to_string(models()));
  if (!params_.normalize_data) settings_.resolve_auto("normalize_data", normalizes_data(params_, shape_.sparse) ? "true" : "false");
}

}  // namespace smtrain::linear
