// Factorization machines by Adam: Rendle 2010 for the model and its gradients, Kingma & Ba 2015 for the steps.
//
// Costs of a mini-batch at k factors: 2 k multiplications and additions forward and 2 k backward for each number that is not zero
// (compute/cpu/factor.h has the floor); then each feature that occurs has its k + 1 parameters stepped, which reads and writes four
// arrays of them and takes a square root and a division each: at a few numbers a row, as ratings have, most of the time.
#include <algorithm>
#include <cmath>

#include "algos/factorization_machines/trainer.h"
#include "algos/factorization_machines/training.h"
#include "base/error.h"
#include "base/text.h"
#include "job/shared_gradient.h"

namespace smtrain::fm {
namespace {

using compute::DType;
using compute::Mat;
using formats::Batch;

constexpr std::size_t kSumNumbers = std::size_t{8} << 20;  // of sums of factors at a time
constexpr double kStill = 0.01;                            // a loss that falls by less than this fraction has hardly moved
constexpr double kReach = 0.1;                             // rates that let parameters move less than this underfit

// 1, 2, … 9, 10, 20, … 90, 100, …: logs of long runs stay readable.
bool is_round(std::int64_t number) {
  while (number >= 10 && number % 10 == 0) number /= 10;
  return number < 10;
}

}  // namespace

std::unique_ptr<job::Predictor> Trainer::run() {
  open();
  start();
  passes_->run(*this);
  std::unique_ptr<FmPredictor> model = finish();
  score(*model);
  return model;
}

void Trainer::check_labels(const Batch& batch) const {
  if (regression()) return;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const float label = batch.labels[i];
    if (label == 0 || label == 1) continue;
    throw user_error("{}: label {} is not 0 or 1, which a binary_classifier expects{}", batch.where(i), format_number(label),
                     label == -1 ? "; labels of -1 and 1 have to become 0 and 1" : "");
  }
}

void Trainer::take(const Batch& piece) {
  if (piece.rows == 0) return;
  check_labels(piece);
  const std::size_t most = std::min(std::max<std::size_t>(kSumNumbers / k_, 64), piece.rows);
  if (s_.rows < most) {
    s_ = backend_.allocate(most, k_, DType::f32);
    z_ = backend_.allocate(most, 1, DType::f32);
  }
  loader_.for_each(piece, most, [&](const compute::Backend::SparseRows& x, std::size_t first, std::size_t count) {
    take_rows(x, piece, first, count);
  });
}

void Trainer::take_rows(const compute::Backend::SparseRows& x, const Batch& piece, std::size_t first, std::size_t count) {
  const Mat s = s_.row_range(0, count), z = z_.row_range(0, count);
  const Mat labels = backend_.stage(queue_, piece.labels + first, count, 1, 1, piece.owner);
  Mat weights;
  if (piece.weights != nullptr) weights = backend_.stage(queue_, piece.weights + first, count, 1, 1, piece.owner);
  backend_.factor_scores(queue_, x, p_, s, z);
  compute::LossRule rule;
  rule.loss = regression() ? compute::Loss::squared : compute::Loss::logistic;
  backend_.derive_loss(queue_, rule, labels, weights, {}, bias_, z, bias_gradient_, loss_);
  backend_.factor_gradient(queue_, x, p_, s, z, g_, *touched_);
  derivatives_.resize(count);
  backend_.read(queue_, derivatives_.data(), z);
  count_rows(piece, first, count);
}

// The derivatives tell the errors: 2 w e of the squared loss, w (p - y) of the logistic one.
void Trainer::count_rows(const Batch& piece, std::size_t first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const double weight = piece.weights == nullptr ? 1.0 : static_cast<double>(piece.weights[first + i]);
    if (weight == 0) continue;
    const double slope = static_cast<double>(derivatives_[i]) / weight, label = static_cast<double>(piece.labels[first + i]);
    if (regression()) {
      batch_tally_.add_error(weight, slope / 2);
    } else {
      batch_tally_.add_answer(weight, slope + label >= 0.5, label == 1);
    }
  }
}

// What all processes have summed; returns their rows.
std::uint64_t Trainer::combine(std::uint64_t rows) {
  backend_.read(queue_, &batch_tally_.loss, loss_);
  backend_.zero(queue_, loss_);
  if (workers_.size() == 1) return rows;
  std::array<double, Tally::kSums + 2> sums{};
  const auto own = batch_tally_.sums();
  std::copy(own.begin(), own.end(), sums.begin());
  sums[Tally::kSums] = static_cast<double>(number_at(bias_gradient_));
  sums[Tally::kSums + 1] = static_cast<double>(rows);
  workers_.allreduce(sums);
  batch_tally_ = Tally::of(sums);
  const auto of_bias = static_cast<float>(sums[Tally::kSums]);
  backend_.write(queue_, bias_gradient_, &of_bias);
  backend_.put(queue_, job::sum_rows(backend_.pick(queue_, *touched_, g_), k_ + 1, workers_), *touched_, g_);
  return static_cast<std::uint64_t>(sums[Tally::kSums + 1]);
}

std::uint64_t Trainer::update(std::uint64_t own_rows) {
  const std::uint64_t rows = combine(own_rows);
  check_loss();
  if (rows > 0) step_parameters(rows);
  epoch_tally_.add(batch_tally_);
  batch_tally_ = {};
  report_batch();
  return rows;
}

void Trainer::check_loss() const {
  if (std::isfinite(batch_tally_.loss)) return;
  throw user_error("the loss is not finite at epoch {}, mini-batch {}: lower factors_lr and linear_lr, set clip_gradient, or scale the "
                   "features and labels", passes_->epoch() + 1, epoch_batches_ + 1);
}

void Trainer::step_parameters(std::uint64_t rows) {
  ++updates_;
  // The squared loss derives to 2 (f - y); the step is by f - y.
  compute::StepRule rule;
  rule.epsilon = params_.eps.value_or(rule.epsilon);
  rule.rescale = params_.rescale_grad.value_or(1.0 / static_cast<double>(rows)) * (regression() ? 0.5 : 1.0);
  rule.clip = std::max(params_.clip_gradient.value_or(0.0), 0.0);
  rule.step = steps_before_ + updates_;
  backend_.step(queue_, rule, columns_, g_, p_, m_, v_, sparse_ ? touched_.get() : nullptr);
  backend_.step(queue_, rule, bias_columns_, bias_gradient_, bias_, bias_m_, bias_v_, nullptr);
}

std::optional<double> Trainer::loss() const {
  if (epoch_tally_.rows == 0) return std::nullopt;
  return epoch_tally_.mean(epoch_tally_.loss);
}

void Trainer::report_batch() {
  const auto every = static_cast<std::uint64_t>(params_.batch_metrics_publish_interval);
  const std::uint64_t batch = epoch_batches_++;
  if (batch % every == 0) report_quality(static_cast<std::int64_t>(batch));
}

void Trainer::report_quality(std::optional<std::int64_t> batch) {
  for (job::Quality& quality : qualities(epoch_tally_, params_.predictor_type, "train")) {
    quality.epoch = passes_->epoch();
    quality.batch = batch;
    context_.metrics().quality(quality);
  }
}

bool Trainer::end_epoch(std::int64_t epoch) {
  report_quality(std::nullopt);
  last_loss_ = epoch_tally_.mean(epoch_tally_.loss);
  if (epoch == 0) {
    first_loss_ = last_loss_;
    advise_on_rates();
  }
  if (is_round(epoch + 1) || epoch + 1 == params_.epochs) report_norms(epoch);
  if (epoch > 0 && epoch + 1 == params_.epochs && std::abs(last_loss_ - first_loss_) < kStill * std::abs(first_loss_)) {
    context_.log().info("the loss moved by less than 1 % from the first epoch to the last: larger factors_lr, linear_lr or "
                        "factors_init_sigma, or more epochs, may help");
  }
  epoch_batches_ = 0;
  epoch_tally_ = {};
  return true;
}

// A parameter moves by about its rate per mini-batch at most.
void Trainer::advise_on_rates() const {
  const double updates = static_cast<double>(epoch_batches_) * static_cast<double>(params_.epochs);
  const std::pair<const char*, double> rates[] = {{"factors_lr", params_.factors_lr}, {"linear_lr", params_.linear_lr}};
  for (const auto& [name, rate] : rates) {
    if (rate * updates >= kReach || (name == std::string_view("linear_lr") && !params_.use_linear)) continue;
    context_.log().info("{} = {} lets parameters move by about {:.2g} in the {:.0f} mini-batches of this run: too little for most data; raise "
                        "it, or epochs", name, format_number(rate), rate * updates, updates);
  }
}

Trainer::Norms Trainer::norms_of(const Mat& rows) const {
  const std::size_t width = k_ + 1, most = std::max<std::size_t>(kSumNumbers / width, 1);
  double linear = 0, factors = 0;
  for (std::size_t first = 0; first < d_; first += most) {
    const std::vector<float> part = host_copy(rows.row_range(first, std::min(most, d_ - first)));
    for (std::size_t i = 0; i < part.size(); i += width) {
      for (std::size_t f = 0; f < k_; ++f) factors += static_cast<double>(part[i + f] * part[i + f]);
      linear += static_cast<double>(part[i + k_] * part[i + k_]);
    }
  }
  return {std::sqrt(linear), std::sqrt(factors)};
}

// Of the gradients Adam's running mean is shown, which has less noise than one mini-batch's.
void Trainer::report_norms(std::int64_t epoch) {
  const Norms p = norms_of(p_), m = norms_of(m_);
  context_.log().detail("epoch {}: norms of parameters: bias {:.6g}, linear {:.6g}, factors {:.6g}; of mean gradients: bias {:.6g}, linear {:.6g}, "
                        "factors {:.6g}", epoch, std::abs(number_at(bias_)), p.linear, p.factors, std::abs(number_at(bias_m_)), m.linear,
                        m.factors);
}

void Trainer::save(job::State& state) const {
  const std::vector<std::uint64_t> shape{d_, k_ + 1};
  for (const auto& [name, m] : {std::pair{"p", p_}, {"m", m_}, {"v", v_}}) state.put(name, shape, host_copy(m));
  for (const auto& [name, m] : {std::pair{"bias.p", bias_}, {"bias.m", bias_m_}, {"bias.v", bias_v_}}) state.put(name, {1, 1}, host_copy(m));
  state.put("steps_before", steps_before_);
  state.put("updates", updates_);
  state.put("epoch_batches", epoch_batches_);
  state.put("first_loss", first_loss_);
  state.put("last_loss", last_loss_);
  state.put("tally", {Tally::kSums}, epoch_tally_.sums());
}

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::fm
