// From the data to the first parameters.
#include <algorithm>

#include "algos/factorization_machines/training.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/text.h"

namespace smtrain::fm {
namespace {

using compute::DType;
using compute::Mat;

constexpr std::size_t kChunkNumbers = std::size_t{4} << 20;  // of parameters on the host at a time
constexpr std::uint64_t kDrawsPerNumber = 4;                 // 32-bit draws that each start may use: a place of its own for every number

// Of every group, whichever distribution: number `at` has the same start however the work is split.
float start_of(const Group& group, RandomStream& random, std::uint64_t at) {
  if (group.start == Start::constant) return static_cast<float>(group.value.value_or(0));
  random.seek(at * kDrawsPerNumber);
  if (group.start == Start::normal) return static_cast<float>(group.sigma * random.normal());
  return static_cast<float>(group.scale.value_or(0) * (2 * random.uniform() - 1));
}

bool is_given(const job::Settings& settings, const std::string& name) {
  const job::Settings::Setting* setting = settings.find(name);
  return setting != nullptr && !setting->given.empty();
}

}  // namespace

void Trainer::open() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  passes_.emplace(context_, job::PassPlan{.mini_batch_size = static_cast<std::size_t>(params_.mini_batch_size),
                                          .epochs = params_.epochs,
                                          .feature_dim = static_cast<std::size_t>(params_.feature_dim)});
  const formats::TableSchema& schema = passes_->schema();
  d_ = schema.feature_dim;
  sparse_ = schema.sparse;
  if (schema.label_width != 1) {
    throw user_error("train: rows have {}; factorization machines learn from one label per row{}",
                     schema.label_width == 0 ? "no label" : counted(schema.label_width, "label"),
                     schema.label_width == 0 ? ", in CSV the first column (text/csv;label_size=1)" : "");
  }
  settings_.resolve_auto("feature_dim", std::to_string(d_));
  context_.log().detail("{}", sparse_ ? "[Sparse network] Building a sparse network." : "[Dense network] Building a dense network.");
  advise_on_settings();
  check_memory();
}

void Trainer::advise_on_settings() const {
  Log& log = context_.log();
  if (k_ == 1) log.info("num_factors is 1: interactions of rank 1; the service suggests at least 2");
  for (const Group& group : groups_of(params_)) {
    const std::pair<Start, const char*> companions[] = {{Start::uniform, "scale"}, {Start::normal, "sigma"}, {Start::constant, "value"}};
    static constexpr const char* kNames[] = {"normal", "uniform", "constant"};
    for (const auto& [start, companion] : companions) {
      const std::string key = fmt::format("{}_init_{}", group.name, companion);
      if (start == group.start || !is_given(settings_, key)) continue;
      log.warning("hyperparameter {} has no effect: {}_init_method is {}", key, group.name, kNames[static_cast<int>(group.start)]);
    }
  }
  if (factors_of(params_).start == Start::constant && k_ > 1) {
    log.warning("factors_init_method is constant: all {} factors of a feature start alike, have the same gradients and stay alike, as if "
                "num_factors were 1; use normal", k_);
  }
}

void Trainer::check_memory() const {
  const double need = 4.0 * sizeof(float) * static_cast<double>(d_) * static_cast<double>(k_ + 1);
  const std::string text = format_bytes(static_cast<std::uint64_t>(need));
  context_.log().detail("{} features of {} factors: parameters, gradient and moments take {}", d_, k_, text);
  if (need <= static_cast<double>(context_.memory_limit())) return;
  throw user_error("{} features of {} factors need {} of memory for parameters, gradient and moments; the limit is {}: lower num_factors or "
                   "feature_dim, or raise --memory-limit", d_, k_, text, format_bytes(context_.memory_limit()));
}

void Trainer::allocate() {
  for (Mat* m : {&p_, &g_, &m_, &v_}) {
    *m = backend_.allocate(d_, k_ + 1, DType::f32);
    backend_.zero(queue_, *m);
  }
  touched_ = backend_.make_row_set(d_);
  for (Mat* m : {&bias_, &bias_gradient_, &bias_m_, &bias_v_}) {
    *m = backend_.allocate(1, 1, DType::f32);
    backend_.zero(queue_, *m);
  }
  loss_ = backend_.allocate(1, 1, DType::f64);
  backend_.zero(queue_, loss_);
  bias_columns_ = backend_.allocate(3, 1, DType::f32);
  const float of_bias[] = {params_.use_bias ? static_cast<float>(params_.bias_lr) : 0.0f, params_.use_bias ? static_cast<float>(params_.bias_wd) : 0.0f, 0};
  backend_.write(queue_, bias_columns_, of_bias);
  columns_ = backend_.allocate(3, k_ + 1, DType::f32);
  std::vector<float> columns(3 * (k_ + 1), 0.0f);
  std::fill_n(columns.begin(), k_, static_cast<float>(params_.factors_lr));
  std::fill_n(columns.begin() + static_cast<std::ptrdiff_t>(k_ + 1), k_, static_cast<float>(params_.factors_wd));
  if (params_.use_linear) {
    columns[k_] = static_cast<float>(params_.linear_lr);
    columns[2 * k_ + 1] = static_cast<float>(params_.linear_wd);
  }
  backend_.write(queue_, columns_, columns.data());
}

void Trainer::start() {
  allocate();
  if (passes_->resumes()) {
    start_from_checkpoint();
  } else if (context_.start_model() != nullptr) {
    start_from_model();
  } else {
    start_from_chance();
  }
}

// Processes on other machines may have another logarithm: the first one's start is everyone's.
void Trainer::start_from_chance() {
  const Group linear = linear_of(params_), factors = factors_of(params_), bias = bias_of(params_);
  const std::size_t width = k_ + 1, rows = std::max<std::size_t>(kChunkNumbers / width, 1);
  std::vector<float> chunk;
  for (std::size_t first = 0; first < d_; first += rows) {
    const std::size_t count = std::min(rows, d_ - first);
    chunk.resize(count * width);
    const int team = backend_.device().threads;
    run_team(team, [&](int thread) {
      RandomStream v = context_.random("fm.factors"), w = context_.random("fm.linear");
      const auto size = static_cast<std::size_t>(team), own = static_cast<std::size_t>(thread);
      for (std::size_t i = count * own / size; i < count * (own + 1) / size; ++i) {
        float* row = chunk.data() + i * width;
        for (std::size_t f = 0; f < k_; ++f) row[f] = start_of(factors, v, (first + i) * k_ + f);
        row[k_] = params_.use_linear ? start_of(linear, w, first + i) : 0.0f;
      }
    });
    workers_.broadcast(std::as_writable_bytes(std::span(chunk)), 0);
    backend_.write(queue_, p_.row_range(first, count), chunk.data());
  }
  RandomStream random = context_.random("fm.bias");
  float w0 = params_.use_bias ? start_of(bias, random, 0) : 0.0f;
  workers_.broadcast(std::as_writable_bytes(std::span(&w0, 1)), 0);
  backend_.write(queue_, bias_, &w0);
}

void Trainer::start_from_model() {
  const std::unique_ptr<FmPredictor> before = load(*context_.start_model());
  if (before->feature_dim() != d_) {
    throw user_error("--model: was trained on {} features, the train channel has {}", before->feature_dim(), d_);
  }
  if (before->weights().k != k_) {
    throw user_error("hyperparameter num_factors: is {}, but the start model has {} factors; give num_factors={}", k_, before->weights().k,
                     before->weights().k);
  }
  if (before->task() != params_.predictor_type) {
    static constexpr const char* kTasks[] = {"binary_classifier", "regressor"};
    throw user_error("hyperparameter predictor_type: is {}, but the start model is a {}", kTasks[static_cast<int>(params_.predictor_type)],
                     kTasks[static_cast<int>(before->task())]);
  }
  backend_.write(queue_, p_, before->weights().rows->data());
  backend_.write(queue_, bias_, &before->weights().w0);
  if (!before->moments()) {
    context_.log().info("the start model holds no moments of Adam: they start anew");
    return;
  }
  const Moments& moments = *before->moments();
  backend_.write(queue_, m_, moments.m.data());
  backend_.write(queue_, v_, moments.v.data());
  backend_.write(queue_, bias_m_, &moments.m0);
  backend_.write(queue_, bias_v_, &moments.v0);
  steps_before_ = moments.steps;
}

void Trainer::start_from_checkpoint() {
  const job::State& state = *context_.resumed();
  const std::vector<std::uint64_t> shape{d_, k_ + 1};
  for (const auto& [name, m] : {std::pair{"p", p_}, {"m", m_}, {"v", v_}}) backend_.write(queue_, m, state.f32(name, shape).data());
  for (const auto& [name, m] : {std::pair{"bias.p", bias_}, {"bias.m", bias_m_}, {"bias.v", bias_v_}}) {
    backend_.write(queue_, m, state.f32(name, {1, 1}).data());
  }
  steps_before_ = state.count("steps_before");
  updates_ = state.count("updates");
  epoch_batches_ = state.count("epoch_batches");
  first_loss_ = state.number("first_loss");
  last_loss_ = state.number("last_loss");
  resumed_tally_ = Tally::of(state.f64("tally", {Tally::kSums}));
}

}  // namespace smtrain::fm
