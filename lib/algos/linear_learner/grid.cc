#include "algos/linear_learner/grid.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/text.h"

namespace smtrain::linear {
namespace {

constexpr double kNoPositiveWeight = 1e6;
constexpr std::uint64_t kDrawSeed = 20200614;  // fixed, so that the models of a grid do not depend on the seed of a run

double first_rate(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::sgd: return 0.01;
    case Optimizer::adagrad: return 0.05;
    case Optimizer::automatic:
    case Optimizer::adam:
    case Optimizer::rmsprop: break;
  }
  return 0.005;
}

double second_rate(Optimizer optimizer) { return optimizer == Optimizer::adagrad ? 0.5 : 0.1; }

// What is given, and the values for a single model elsewhere.
GridPoint single_point(const Params& p) {
  GridPoint point;
  point.learning_rate = p.learning_rate.value_or(first_rate(optimizer_of(p)));
  point.wd = p.wd.value_or(point.wd);
  point.l1 = p.l1.value_or(point.l1);
  point.lr_scheduler_step = p.use_lr_scheduler ? p.lr_scheduler_step.value_or(point.lr_scheduler_step) : 0;
  point.lr_scheduler_factor = p.lr_scheduler_factor.value_or(point.lr_scheduler_factor);
  point.lr_scheduler_minimum_lr = p.lr_scheduler_minimum_lr.value_or(point.lr_scheduler_minimum_lr);
  point.momentum = p.momentum.value_or(point.momentum);
  point.beta_1 = p.beta_1.value_or(point.beta_1);
  point.beta_2 = p.beta_2.value_or(point.beta_2);
  point.bias_lr_mult = p.bias_lr_mult.value_or(point.bias_lr_mult);
  point.bias_wd_mult = p.bias_wd_mult.value_or(point.bias_wd_mult);
  return point;
}

// ---- weights of positive rows -------------------------------------------------------------------------------------------

double balanced_weight(const LabelCounts& labels, std::vector<std::string>& warnings) {
  if (labels.positives == 0) {
    warnings.push_back(
        fmt::format("positive_example_weight_mult: none of the first {} rows has label 1, so balanced cannot be computed; "
                    "it is taken as {:g}. Shuffle the rows, raise num_point_for_scaler or give the weight",
                    grouped(labels.negatives), kNoPositiveWeight));
    return kNoPositiveWeight;
  }
  if (labels.negatives == 0) {
    warnings.push_back(
        fmt::format("positive_example_weight_mult: all of the first {} rows have label 1, so balanced cannot be computed; "
                    "it is taken as 1. Shuffle the rows, raise num_point_for_scaler or give the weight",
                    grouped(labels.positives)));
    return 1;
  }
  return static_cast<double>(labels.negatives) / static_cast<double>(labels.positives);
}

std::vector<double> positive_weights(const Params& p, const LabelCounts& labels, bool one_model,
                                     std::vector<std::string>& warnings) {
  if (p.predictor_type != PredictorType::binary_classifier) return {1};
  if (const double* given = std::get_if<double>(&p.positive_example_weight_mult)) return {*given};
  const double balanced = balanced_weight(labels, warnings);
  if (std::get<std::string>(p.positive_example_weight_mult) == "balanced") return {balanced};
  if (one_model) return {std::sqrt(balanced)};
  std::vector<double> weights{1, std::sqrt(balanced), balanced};
  weights.erase(std::unique(weights.begin(), weights.end()), weights.end());
  return weights;
}

// ---- combinations -------------------------------------------------------------------------------------------------------

using Points = std::vector<GridPoint>;

template <class Set>
Points combined(const Points& with, const std::vector<double>& values, Set set) {
  Points all;
  for (const GridPoint& point : with) {
    for (const double value : values) {
      all.push_back(point);
      set(all.back(), value);
    }
  }
  return all;
}

// The values that an axis tries: those given here, or the one that the user gave.
template <class T>
std::vector<double> axis(const std::optional<T>& given, std::vector<double> values) {
  return given ? std::vector<double>{static_cast<double>(*given)} : std::move(values);
}

struct Axes {
  std::vector<double> wd, rate, minimum, step, weight;
};

// `service`: values in the order of the service's logs; else the default point's first.
Axes axes_of(const Params& p, std::vector<double> weights, bool service) {
  const Optimizer optimizer = optimizer_of(p);
  Axes axes;
  axes.wd = axis(p.wd, {1e-4, 1e-2, 1, 100});
  axes.rate = axis(p.learning_rate, {first_rate(optimizer), second_rate(optimizer)});
  axes.minimum = axis(p.lr_scheduler_minimum_lr, {1e-5, 1e-4});
  axes.step = axis(p.lr_scheduler_step, service ? std::vector<double>{10, 100} : std::vector<double>{100, 10});
  if (!p.use_lr_scheduler) {
    axes.minimum = {single_point(p).lr_scheduler_minimum_lr};
    axes.step = {0};
  }
  axes.weight = std::move(weights);
  return axes;
}

const auto kSetWd = [](GridPoint& point, double v) { point.wd = v; };
const auto kSetRate = [](GridPoint& point, double v) { point.learning_rate = v; };
const auto kSetMinimum = [](GridPoint& point, double v) { point.lr_scheduler_minimum_lr = v; };
const auto kSetStep = [](GridPoint& point, double v) { point.lr_scheduler_step = static_cast<std::int64_t>(v); };
const auto kSetWeight = [](GridPoint& point, double v) { point.positive_weight = v; };

// The axis combined first moves slowest.
Points service_order(const GridPoint& base, const Axes& axes) {
  Points all = combined({base}, axes.weight, kSetWeight);
  all = combined(all, axes.wd, kSetWd);
  all = combined(all, axes.rate, kSetRate);
  all = combined(all, axes.minimum, kSetMinimum);
  return combined(all, axes.step, kSetStep);
}

Points default_first(const GridPoint& base, const Axes& axes) {
  Points all = combined({base}, axes.weight, kSetWeight);
  all = combined(all, axes.minimum, kSetMinimum);
  all = combined(all, axes.step, kSetStep);
  all = combined(all, axes.wd, kSetWd);
  return combined(all, axes.rate, kSetRate);
}

double log_uniform(RandomStream& random, double low, double high) {
  return low * std::exp(random.uniform() * std::log(high / low));
}

// Every number is drawn whether it is used or not, so that a given value does not change the others.
GridPoint drawn(const Params& p, const GridPoint& base, const std::vector<double>& weights, RandomStream& random) {
  GridPoint point = base;
  point.wd = p.wd.value_or(log_uniform(random, 1e-5, 1));
  point.learning_rate = p.learning_rate.value_or(log_uniform(random, 1e-3, 0.3));
  const double step = std::round(log_uniform(random, 10, 200));
  const double factor = log_uniform(random, 0.98, 0.999);
  if (p.use_lr_scheduler) point.lr_scheduler_step = p.lr_scheduler_step.value_or(static_cast<std::int64_t>(step));
  point.lr_scheduler_factor = p.lr_scheduler_factor.value_or(factor);
  point.positive_weight = weights[random.below(weights.size())];
  return point;
}

bool weighs_label_counts(const Params& p) {
  return p.predictor_type == PredictorType::binary_classifier &&
         std::holds_alternative<std::string>(p.positive_example_weight_mult);
}

}  // namespace

double GridPoint::rate(std::uint64_t update) const {
  if (lr_scheduler_step <= 0 || lr_scheduler_minimum_lr >= learning_rate) return learning_rate;
  const double cuts = static_cast<double>(update / static_cast<std::uint64_t>(lr_scheduler_step));
  return std::max(learning_rate * std::pow(lr_scheduler_factor, cuts), lr_scheduler_minimum_lr);
}

bool needs_label_counts(const Params& params) { return weighs_label_counts(params); }

Grid make_grid(const Params& params, const LabelCounts& labels) {
  const bool one = is_tuning(params) || params.num_models == 1;
  Grid grid;
  GridPoint base = single_point(params);
  const std::vector<double> weights = positive_weights(params, labels, one, grid.warnings);
  base.positive_weight = weights.front();
  if (one) {
    grid.points = {base};
    return grid;
  }
  const bool service = !params.num_models;
  const Axes axes = axes_of(params, weights, service);
  grid.points = service ? service_order(base, axes) : default_first(base, axes);
  if (service) return grid;
  const std::size_t wanted = static_cast<std::size_t>(*params.num_models);
  if (grid.points.size() > wanted) grid.points.resize(wanted);
  RandomStream random(kDrawSeed, "linear-learner.grid");
  while (grid.points.size() < wanted) grid.points.push_back(drawn(params, base, weights, random));
  return grid;
}

std::map<std::string, std::string> chosen(const Params& params, const GridPoint& point) {
  std::map<std::string, std::string> all{{"optimizer", name_of(optimizer_of(params))},
                                         {"learning_rate", format_number(point.learning_rate)},
                                         {"wd", format_number(point.wd)},
                                         {"l1", format_number(point.l1)}};
  if (params.use_lr_scheduler) {
    all["lr_scheduler_step"] = fmt::format("{}", point.lr_scheduler_step);
    all["lr_scheduler_factor"] = format_number(point.lr_scheduler_factor);
    all["lr_scheduler_minimum_lr"] = format_number(point.lr_scheduler_minimum_lr);
  }
  if (weighs_label_counts(params)) all["positive_example_weight_mult"] = format_number(point.positive_weight);
  return all;
}

std::string chosen_json(const Params& params, const GridPoint& point) {
  const std::map<std::string, std::string> values = chosen(params, point);
  std::string text;
  for (const char* name : {"lr_scheduler_step", "wd", "optimizer", "lr_scheduler_factor", "l1", "learning_rate",
                           "lr_scheduler_minimum_lr", "positive_example_weight_mult"}) {
    const auto found = values.find(name);
    if (found == values.end()) continue;
    const bool word = found->first == "optimizer";
    text +=
        fmt::format("{}{}: {}", text.empty() ? "" : ", ", json_quoted(name), word ? json_quoted(found->second) : found->second);
  }
  return "{" + text + "}";
}

}  // namespace smtrain::linear
