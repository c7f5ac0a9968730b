#include "algos/linear_learner/ensemble.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "job/shared_gradient.h"

namespace smtrain::linear {
namespace {

using compute::DType;
using compute::Mat;
using formats::Batch;
using Kind = compute::StepRule::Kind;

constexpr std::size_t kChunkNumbers = std::size_t{1} << 21;  // of features or scores computed on at a time

Kind kind_of(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::sgd: return Kind::sgd;
    case Optimizer::rmsprop: return Kind::rmsprop;
    case Optimizer::adagrad: return Kind::adagrad;
    case Optimizer::adam:
    case Optimizer::automatic: break;
  }
  return Kind::adam;
}

compute::StepRule step_rule(const Params& params, const GridPoint& point) {
  compute::StepRule rule;
  rule.kind = kind_of(optimizer_of(params));
  rule.beta_1 = rule.kind == Kind::sgd ? point.momentum : point.beta_1;
  rule.beta_2 = rule.kind == Kind::rmsprop ? 0.9 : point.beta_2;
  rule.step = 1;
  return rule;
}

bool keeps_first(Kind kind) { return kind == Kind::sgd || kind == Kind::adam; }
bool keeps_second(Kind kind) { return kind != Kind::sgd; }

std::size_t chunk_rows(std::size_t width, std::size_t rows) {
  return std::clamp<std::size_t>(kChunkNumbers / std::max<std::size_t>(width, 1), 1, std::max<std::size_t>(rows, 1));
}

}  // namespace

compute::LossRule loss_rule(const Params& params, const Scaler& scaler) {
  compute::LossRule rule;
  switch (loss_of(params)) {
    case Loss::logistic: rule.loss = compute::Loss::logistic; break;
    case Loss::hinge_loss: rule.loss = compute::Loss::hinge; break;
    case Loss::softmax_loss: rule.loss = compute::Loss::softmax; break;
    case Loss::absolute_loss: rule.loss = compute::Loss::absolute; break;
    case Loss::quantile_loss: rule.loss = compute::Loss::quantile; break;
    case Loss::huber_loss: rule.loss = compute::Loss::huber; break;
    case Loss::eps_insensitive_squared_loss: rule.loss = compute::Loss::eps_squared; break;
    case Loss::eps_insensitive_absolute_loss: rule.loss = compute::Loss::eps_absolute; break;
    case Loss::squared_loss:
    case Loss::automatic: rule.loss = compute::Loss::squared; break;
  }
  rule.quantile = params.quantile;
  rule.delta = params.huber_delta / scaler.label_scale;
  rule.epsilon = params.loss_insensitivity / scaler.label_scale;
  rule.margin = params.margin;
  rule.classes = classes_of(params);
  return rule;
}

double loss_unit(const Params& params, const Scaler& scaler) {
  switch (loss_of(params)) {
    case Loss::squared_loss:
    case Loss::huber_loss:
    case Loss::eps_insensitive_squared_loss: return scaler.label_scale * scaler.label_scale;
    case Loss::absolute_loss:
    case Loss::quantile_loss:
    case Loss::eps_insensitive_absolute_loss: return scaler.label_scale;
    default: return 1;
  }
}

Ensemble::Ensemble(compute::Backend& backend, dist::Communicator& workers, const Params& params, const std::vector<GridPoint>& points,
                   const Scaler& scaler, const EnsembleShape& shape)
    : backend_(backend), queue_(backend.main_queue()), workers_(workers), params_(params), points_(points), scaler_(scaler),
      shape_(shape), width_(shape.classes * points.size()), loss_rule_(loss_rule(params, scaler)),
      step_rule_(step_rule(params, points.front())) {
  const auto zeros = [&](std::size_t rows, std::size_t cols, DType type) {
    const Mat m = backend_.allocate(rows, cols, type);
    backend_.zero(queue_, m);
    return m;
  };
  if (!scaler_.shift.empty()) shift_ = filled(1, shape_.d, scaler_.shift);
  if (!scaler_.scale.empty()) scale_ = filled(1, shape_.d, scaler_.scale);
  lay_out_features();
  bias_ = zeros(1, width_, DType::f32);
  bias_gradient_ = zeros(1, width_, DType::f32);
  spare_bias_gradient_ = zeros(1, width_, DType::f32);
  bias_trail_ = zeros(1, width_, DType::f32);
  if (keeps_first(step_rule_.kind)) bias_first_ = zeros(1, width_, DType::f32);
  if (keeps_second(step_rule_.kind)) bias_second_ = zeros(1, width_, DType::f32);
  rates_ = zeros(3, width_, DType::f32);
  bias_rates_ = zeros(3, width_, DType::f32);
  loss_ = zeros(1, models(), DType::f64);
  spare_loss_ = zeros(1, models(), DType::f64);
  losses_.assign(models(), 0.0);
  std::vector<float> positive;
  for (const GridPoint& point : points_) positive.push_back(static_cast<float>(point.positive_weight));
  if (std::any_of(positive.begin(), positive.end(), [](float p) { return p != 1; })) positive_ = filled(1, models(), positive);
  if (shape_.sparse) {
    rows_ = backend_.make_sparse_rows();
    touched_ = backend_.make_row_set(shape_.d);
  }
}

// Of sparse rows the numbers of a feature lie side by side: a mini-batch meets few features, whose places are not in cache, and takes
// all of their numbers in turn.
void Ensemble::lay_out_features() {
  std::vector<Mat*> all{&theta_, &gradient_, &trail_};
  if (keeps_first(step_rule_.kind)) all.push_back(&first_);
  if (keeps_second(step_rule_.kind)) all.push_back(&second_);
  Mat table;
  if (shape_.sparse) table = backend_.allocate(shape_.d, all.size() * width_, DType::f32);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Mat& m = *all[i];
    if (shape_.sparse) {
      m = table;
      m.offset += i * width_;
      m.cols = width_;
    } else {
      m = backend_.allocate(shape_.d, width_, DType::f32);
    }
    backend_.zero(queue_, m);
  }
}

double Ensemble::bytes(const EnsembleShape& shape, std::size_t models) {
  return static_cast<double>(shape.d + 2) * static_cast<double>(shape.classes * models) * 5 * sizeof(float);
}

Mat Ensemble::filled(std::size_t rows, std::size_t cols, const std::vector<float>& numbers) {
  const Mat m = backend_.allocate(rows, cols, DType::f32);
  backend_.write(queue_, m, numbers.data());
  return m;
}

std::vector<float> Ensemble::read(const Mat& m) const {
  std::vector<float> numbers(m.rows * m.cols);
  if (!numbers.empty()) backend_.read(queue_, numbers.data(), m);
  return numbers;
}

void Ensemble::start(const std::function<RandomStream(std::size_t model)>& stream) {
  Weights weights{std::vector<float>(shape_.d * width_), std::vector<float>(width_)};
  for (std::size_t m = 0; m < models(); ++m) {
    RandomStream draws = stream(m);
    for (std::size_t c = 0; c < shape_.classes; ++c) {
      const std::size_t column = c * models() + m;
      for (std::size_t j = 0; j < shape_.d; ++j) {
        weights.theta[j * width_ + column] = static_cast<float>(params_.init_method == Init::normal
                                                                    ? params_.init_sigma * draws.normal()
                                                                    : params_.init_scale * (2 * draws.uniform() - 1));
      }
      weights.bias[column] = params_.use_bias ? static_cast<float>(params_.init_bias) : 0.0f;
    }
  }
  set(weights);
}

void Ensemble::set(const Weights& weights) {
  backend_.write(queue_, theta_, weights.theta.data());
  backend_.write(queue_, bias_, weights.bias.data());
}

Weights Ensemble::weights() const { return {read(theta_), read(bias_)}; }

void Ensemble::begin_average() {
  backend_.zero(queue_, trail_);
  backend_.zero(queue_, bias_trail_);
  averaged_ = 0;
}

Weights Ensemble::average() const {
  Weights mean = weights();
  const auto draw_back = [&](std::vector<float>& numbers, const std::vector<float>& trail) {
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] -= trail[i] / static_cast<float>(averaged_);
  };
  if (averaged_ == 0) return mean;
  draw_back(mean.theta, read(trail_));
  draw_back(mean.bias, read(bias_trail_));
  return mean;
}

void Ensemble::set(const Moments& moments) {
  const auto write = [&](const Mat& m, const std::vector<float>& numbers) {
    if (!m.empty() && numbers.size() == m.rows * m.cols) backend_.write(queue_, m, numbers.data());
  };
  write(first_, moments.first.theta);
  write(second_, moments.second.theta);
  write(bias_first_, moments.first.bias);
  write(bias_second_, moments.second.bias);
  step_rule_.step = moments.steps + 1;
}

Moments Ensemble::moments() const {
  return {{read(first_), read(bias_first_)}, {read(second_), read(bias_second_)}, step_rule_.step - 1};
}

void Ensemble::forward(const Batch& batch, const UseChunk& use) {
  if (batch.rows == 0) return;
  batch.sparse() ? forward_sparse(batch, use) : forward_dense(batch, use);
}

void Ensemble::forward_dense(const Batch& batch, const UseChunk& use) {
  const std::size_t chunk = chunk_rows(std::max(batch.cols, width_), batch.rows);
  const bool scales = !shift_.empty() || !scale_.empty();
  if (scores_.rows < chunk) scores_ = backend_.allocate(chunk, width_, DType::f32);
  if (scales && standardized_.rows < chunk) standardized_ = backend_.allocate(chunk, batch.cols, DType::f32);
  for (std::size_t first = 0; first < batch.rows; first += chunk) {
    const std::size_t count = std::min(chunk, batch.rows - first);
    Mat x = backend_.stage(queue_, batch.dense + first * batch.ld, count, batch.cols, batch.ld, batch.owner);
    if (scales) {
      const Mat y = standardized_.row_range(0, count);
      backend_.standardize(queue_, x, shift_, scale_, y);
      x = y;
    }
    const Mat z = scores_.row_range(0, count);
    backend_.gemm(queue_, false, false, 1, x, theta_, 0, z);
    use({x, z, first});
  }
}

void Ensemble::forward_sparse(const Batch& batch, const UseChunk& use) {
  const std::size_t chunk = chunk_rows(width_, batch.rows);
  if (scores_.rows < chunk) scores_ = backend_.allocate(chunk, width_, DType::f32);
  for (std::size_t first = 0; first < batch.rows; first += chunk) {
    const std::size_t count = std::min(chunk, batch.rows - first);
    const std::uint64_t skipped = batch.indptr[first] - batch.indptr[0];
    backend_.load(queue_, *rows_, {batch.indptr + first, batch.indices + skipped, batch.values + skipped, count, batch.cols}, scale_,
                  batch.owner);
    const Mat z = scores_.row_range(0, count);
    backend_.multiply(queue_, *rows_, theta_, z);
    use({{}, z, first});
  }
}

Mat Ensemble::labels_of(const Batch& batch, const Chunk& chunk) {
  const float* labels = batch.labels + chunk.first;
  if (scaler_.label_shift == 0 && scaler_.label_scale == 1) return backend_.stage(queue_, labels, chunk.z.rows, 1, 1, batch.owner);
  labels_.resize(chunk.z.rows);
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    labels_[i] = static_cast<float>((static_cast<double>(labels[i]) - scaler_.label_shift) / scaler_.label_scale);
  }
  backend_.write(queue_, label_column_.row_range(0, labels_.size()), labels_.data());
  return label_column_.row_range(0, labels_.size());
}

// Of rows and of their classes; empty: all one.
Mat Ensemble::weights_of(const Batch& batch, const Chunk& chunk) {
  if (class_weights_.empty()) {
    return batch.weights == nullptr ? Mat{} : backend_.stage(queue_, batch.weights + chunk.first, chunk.z.rows, 1, 1, batch.owner);
  }
  row_weights_.resize(chunk.z.rows);
  for (std::size_t i = 0; i < row_weights_.size(); ++i) {
    const float weight = batch.weights == nullptr ? 1.0f : batch.weights[chunk.first + i];
    row_weights_[i] = weight * class_weights_[static_cast<std::size_t>(batch.labels[chunk.first + i])];
  }
  backend_.write(queue_, weight_column_.row_range(0, row_weights_.size()), row_weights_.data());
  return weight_column_.row_range(0, row_weights_.size());
}

void Ensemble::derive(const Batch& batch, const Chunk& chunk, const Mat& bias_gradient, const Mat& loss) {
  if (label_column_.rows < scores_.rows) {
    label_column_ = backend_.allocate(scores_.rows, 1, DType::f32);
    weight_column_ = backend_.allocate(scores_.rows, 1, DType::f32);
  }
  backend_.derive_loss(queue_, loss_rule_, labels_of(batch, chunk), weights_of(batch, chunk), positive_, bias_, chunk.z, bias_gradient,
                       loss);
}

void Ensemble::take(const Batch& piece) {
  forward(piece, [&](const Chunk& chunk) {
    derive(piece, chunk, bias_gradient_, loss_);
    if (shape_.sparse) {
      backend_.multiply_transposed(queue_, *rows_, chunk.z, gradient_, *touched_);
    } else {
      backend_.gemm(queue_, true, false, 1, chunk.x, chunk.z, 1, gradient_);
    }
  });
}

// Gradients, losses and rows of all processes.
std::uint64_t Ensemble::sum_over_processes(std::uint64_t rows) {
  if (workers_.size() == 1) return rows;
  if (shape_.sparse) backend_.put(queue_, job::sum_rows(backend_.pick(queue_, *touched_, gradient_), width_, workers_), *touched_, gradient_);
  const std::size_t dense = shape_.sparse ? 0 : gradient_.rows * gradient_.cols;
  std::vector<float> gradient = shape_.sparse ? std::vector<float>{} : read(gradient_), bias = read(bias_gradient_);
  host_.resize(dense + width_ + models() + 1);
  std::copy(gradient.begin(), gradient.end(), host_.begin());
  std::copy(bias.begin(), bias.end(), host_.begin() + static_cast<std::ptrdiff_t>(dense));
  backend_.read(queue_, host_.data() + dense + width_, loss_);
  host_.back() = static_cast<double>(rows);
  workers_.allreduce(host_);
  for (std::size_t i = 0; i < dense; ++i) gradient[i] = static_cast<float>(host_[i]);
  for (std::size_t j = 0; j < width_; ++j) bias[j] = static_cast<float>(host_[dense + j]);
  for (std::size_t m = 0; m < models(); ++m) losses_[m] += host_[dense + width_ + m];
  if (dense > 0) backend_.write(queue_, gradient_, gradient.data());
  backend_.write(queue_, bias_gradient_, bias.data());
  backend_.zero(queue_, loss_);
  return static_cast<std::uint64_t>(host_.back());
}

std::uint64_t Ensemble::update(std::uint64_t own_rows) {
  const std::uint64_t rows = sum_over_processes(own_rows);
  if (rows == 0) return 0;
  set_rates();
  step_rule_.rescale = 1 / static_cast<double>(rows);
  step_rule_.trail_weight = static_cast<double>(averaged_++);
  backend_.step(queue_, step_rule_, rates_, gradient_, theta_, first_, second_, touched_.get(), trail_);
  if (params_.use_bias) {
    backend_.step(queue_, step_rule_, bias_rates_, bias_gradient_, bias_, bias_first_, bias_second_, nullptr, bias_trail_);
  } else {
    backend_.zero(queue_, bias_gradient_);
  }
  ++step_rule_.step;
  return rows;
}

// Rates of this step; written when one of them has changed.
void Ensemble::set_rates() {
  std::vector<double> now;
  now.reserve(models());
  for (const GridPoint& point : points_) now.push_back(point.rate(step_rule_.step - 1));
  if (now == rates_now_) return;
  std::vector<float> rates(3 * width_), bias_rates(3 * width_);
  for (std::size_t column = 0; column < width_; ++column) {
    const GridPoint& point = points_[column % models()];
    const double rate = now[column % models()];
    rates[column] = static_cast<float>(rate);
    rates[width_ + column] = static_cast<float>(point.wd);
    rates[2 * width_ + column] = static_cast<float>(point.l1);
    bias_rates[column] = static_cast<float>(rate * point.bias_lr_mult);
    bias_rates[width_ + column] = static_cast<float>(point.wd * point.bias_wd_mult);
  }
  backend_.write(queue_, rates_, rates.data());
  backend_.write(queue_, bias_rates_, bias_rates.data());
  rates_now_ = std::move(now);
}

std::vector<double> Ensemble::take_losses() {
  std::vector<double> now(models());
  backend_.read(queue_, now.data(), loss_);
  backend_.zero(queue_, loss_);
  const double unit = loss_unit(params_, scaler_);
  for (std::size_t m = 0; m < models(); ++m) now[m] = (now[m] + std::exchange(losses_[m], 0.0)) * unit;
  return now;
}

void Ensemble::evaluate(const Batch& batch, std::span<double> losses, std::vector<float>& scores) {
  scores.resize(batch.rows * width_);
  const std::vector<float> bias = read(bias_);
  backend_.zero(queue_, spare_loss_);
  forward(batch, [&](const Chunk& chunk) {
    float* to = scores.data() + chunk.first * width_;
    backend_.read(queue_, to, chunk.z);
    for (std::size_t i = 0; i < chunk.z.rows * width_; ++i) {
      to[i] = static_cast<float>(scaler_.label_shift + scaler_.label_scale * static_cast<double>(to[i] + bias[i % width_]));
    }
    derive(batch, chunk, spare_bias_gradient_, spare_loss_);
  });
  std::vector<double> sums(models());
  backend_.read(queue_, sums.data(), spare_loss_);
  const double unit = loss_unit(params_, scaler_);
  for (std::size_t m = 0; m < models(); ++m) losses[m] += sums[m] * unit;
}

// Without the losses of a mini-batch under way: there is none at a safe point.
void Ensemble::save(job::State& state) const {
  const std::vector<std::uint64_t> tall{shape_.d, width_}, flat{width_};
  const auto put = [&](const std::string& name, const Weights& w) {
    if (!w.theta.empty()) state.put(name + ".theta", tall, w.theta);
    if (!w.bias.empty()) state.put(name + ".bias", flat, w.bias);
  };
  const Moments kept = moments();
  put("weights", weights());
  put("first", kept.first);
  put("second", kept.second);
  put("trail", {read(trail_), read(bias_trail_)});
  state.put("averaged", averaged_);
  state.put("steps", kept.steps);
  std::vector<double> losses(models());
  backend_.read(queue_, losses.data(), loss_);
  for (std::size_t m = 0; m < models(); ++m) losses[m] += losses_[m];
  state.put("losses", {models()}, losses);
}

void Ensemble::restore(const job::State& state) {
  const std::vector<std::uint64_t> tall{shape_.d, width_}, flat{width_};
  const auto get = [&](const std::string& name, bool kept) {
    return kept ? Weights{state.f32(name + ".theta", tall), state.f32(name + ".bias", flat)} : Weights{};
  };
  set(get("weights", true));
  set(Moments{get("first", keeps_first(step_rule_.kind)), get("second", keeps_second(step_rule_.kind)), state.count("steps")});
  const Weights trail = get("trail", true);
  backend_.write(queue_, trail_, trail.theta.data());
  backend_.write(queue_, bias_trail_, trail.bias.data());
  averaged_ = state.count("averaged");
  const std::vector<double> losses = state.f64("losses", {models()});
  // Where they were summed, so that they go on to the last bit.
  if (workers_.size() == 1) backend_.write(queue_, loss_, losses.data());
  else losses_ = losses;
}

}  // namespace smtrain::linear
