// The hyperparameters of factorization machines, typed; names, ranges and defaults are declared in factorization_machines.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace smtrain::fm {

enum class Task { binary_classifier, regressor };

/// How a group of parameters starts.
enum class Start {
  normal,    ///< mean 0, deviation sigma
  uniform,   ///< -scale … scale
  constant,  ///< value
};

struct Params {
  std::int64_t feature_dim = 0;  ///< 0: the data tells it
  std::int64_t num_factors = 0;
  Task predictor_type = Task::regressor;
  std::int64_t epochs = 1;
  std::int64_t mini_batch_size = 1000;
  std::optional<double> clip_gradient, eps, rescale_grad;
  bool use_bias = true, use_linear = true;
  std::int64_t batch_metrics_publish_interval = 500;

  double bias_lr = 0.1, linear_lr = 0.001, factors_lr = 0.0001;
  double bias_wd = 0.01, linear_wd = 0.001, factors_wd = 0.00001;
  Start bias_init_method = Start::normal, linear_init_method = Start::normal, factors_init_method = Start::normal;
  std::optional<double> bias_init_scale, linear_init_scale, factors_init_scale;
  double bias_init_sigma = 0.01, linear_init_sigma = 0.01, factors_init_sigma = 0.001;
  std::optional<double> bias_init_value, linear_init_value, factors_init_value;
};

/// One group of parameters: w0, w or V.
struct Group {
  const char* name;  ///< of its hyperparameters: "bias"
  double lr, wd;
  Start start;
  std::optional<double> scale;
  double sigma;
  std::optional<double> value;
};

inline Group bias_of(const Params& p) {
  return {"bias", p.bias_lr, p.bias_wd, p.bias_init_method, p.bias_init_scale, p.bias_init_sigma, p.bias_init_value};
}
inline Group linear_of(const Params& p) {
  return {"linear", p.linear_lr, p.linear_wd, p.linear_init_method, p.linear_init_scale, p.linear_init_sigma, p.linear_init_value};
}
inline Group factors_of(const Params& p) {
  return {"factors", p.factors_lr, p.factors_wd, p.factors_init_method, p.factors_init_scale, p.factors_init_sigma, p.factors_init_value};
}
inline std::array<Group, 3> groups_of(const Params& p) { return {bias_of(p), linear_of(p), factors_of(p)}; }

}  // namespace smtrain::fm
