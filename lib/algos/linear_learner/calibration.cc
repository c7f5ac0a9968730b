#include "algos/linear_learner/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "algos/linear_learner/metrics.h"
#include "algos/linear_learner/ranking.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/text.h"

namespace smtrain::linear {
namespace {

constexpr std::uint64_t kFewPositives = 100;  // fewer tell little about the recall of other rows

double quotient(double a, double b) { return b == 0 ? 0 : a / b; }

// What a threshold comes to: rows at or above it by label, of all.
struct Counts {
  double hits = 0, false_alarms = 0;
  double positives = 0, negatives = 0;

  double precision() const { return quotient(hits, hits + false_alarms); }
  double recall() const { return quotient(hits, positives); }
  double accuracy() const { return quotient(hits + negatives - false_alarms, positives + negatives); }
  double f(double beta) const {
    const double b2 = beta * beta;
    return quotient((1 + b2) * hits, b2 * positives + hits + false_alarms);
  }
};

Verdict verdict_of(const Target& target, const Counts& c) {
  Verdict v;
  switch (target.criterion) {
    case Criterion::accuracy: v.value = c.accuracy(); break;
    case Criterion::f_beta: v.value = c.f(target.beta); break;
    case Criterion::f1: v.value = c.f(1); break;
    case Criterion::precision_at_target_recall:
      v.value = c.precision();
      v.side = c.recall();
      v.feasible = v.side >= target.target_recall;
      break;
    case Criterion::recall_at_target_precision:
      v.value = c.recall();
      v.side = c.precision();
      v.feasible = v.side >= target.target_precision;
      break;
    case Criterion::loss_function: break;
  }
  return v;
}

// Of one model: how well, before its objective is asked. Those that miss the target are compared by how near they come.
std::tuple<bool, double, double> merit(const Verdict& v) {
  return v.feasible ? std::tuple{true, v.value, v.side} : std::tuple{false, v.side, v.value};
}

// Where nothing was seen beyond an answer, half way to the end of the scale; hinge_loss has none.
double below_all(Loss loss, float lowest) { return loss == Loss::logistic ? 0.5 * static_cast<double>(lowest) : lowest - 1.0; }

double above_all(Loss loss, float highest) {
  if (loss != Loss::logistic) return highest + 1.0;
  return highest < 1.0f ? 0.5 * (static_cast<double>(highest) + 1) : std::nextafter(1.0, 2.0);
}

// The best threshold over the answers of one model, ascending in `items`.
Verdict best_threshold(const std::vector<std::uint64_t>& items, Loss loss, const Target& target, Counts counts) {
  Verdict best;
  bool first = true;
  const auto consider = [&](double threshold) {
    Verdict v = verdict_of(target, counts);
    v.threshold = threshold;
    const auto a = merit(v), b = merit(best);
    const double off = std::abs(threshold - kNaturalThreshold), best_off = std::abs(best.threshold - kNaturalThreshold);
    if (first || a > b || (a == b && off < best_off)) best = v;
    first = false;
  };
  consider(above_all(loss, score_of(items.back())));
  for (std::size_t i = items.size(); i > 0;) {
    const std::uint32_t order = order_of(items[i - 1]);
    const float answer = score_of(items[i - 1]);
    for (; i > 0 && order_of(items[i - 1]) == order; --i) ++(is_labelled(items[i - 1]) ? counts.hits : counts.false_alarms);
    consider(i == 0 ? below_all(loss, answer)
                    : 0.5 * (static_cast<double>(answer) + static_cast<double>(score_of(items[i - 1]))));
  }
  return best;
}

}  // namespace

Target target_of(const Params& params) {
  Target target;
  if (params.predictor_type == PredictorType::binary_classifier) target.criterion = params.criterion;
  target.beta = criterion_beta(params);
  target.target_precision = params.target_precision;
  target.target_recall = params.target_recall;
  return target;
}

std::string criterion_name(const Target& target, Loss loss) {
  if (target.criterion == Criterion::loss_function) return objective_name(loss);
  return fmt::format("sampled_{}", name_of(target.criterion));
}

CalibrationSample::CalibrationSample(Loss loss, std::size_t models, std::uint64_t capacity)
    : loss_(loss), capacity_(capacity), answers_(models) {}

// A sort holds its rows twice.
std::uint64_t CalibrationSample::rows_within(std::uint64_t bytes, std::size_t models, int threads) {
  const std::uint64_t sorting = 16 * std::min<std::uint64_t>(models, static_cast<std::uint64_t>(std::max(threads, 1)));
  // Vectors that grow have room for twice their numbers for a moment.
  return std::max<std::uint64_t>(bytes / (2 * (4 * models + 1) + sorting), 1);
}

void CalibrationSample::add(const float* scores, std::size_t rows, std::size_t ld, const float* labels) {
  rows = static_cast<std::size_t>(std::min<std::uint64_t>(rows, capacity_ - std::min(capacity_, this->rows())));
  for (std::size_t m = 0; m < answers_.size(); ++m) {
    for (std::size_t i = 0; i < rows; ++i) answers_[m].push_back(answer_of(loss_, scores[i * ld + m]));
  }
  for (std::size_t i = 0; i < rows; ++i) {
    labels_.push_back(labels[i] == 1.0f ? 1 : 0);
    positives_ += labels_.back();
  }
}

void CalibrationSample::gather(dist::Communicator& communicator) {
  if (communicator.size() == 1) return;
  std::string own(reinterpret_cast<const char*>(labels_.data()), labels_.size());
  for (const std::vector<float>& answers : answers_) {
    own.append(reinterpret_cast<const char*>(answers.data()), answers.size() * sizeof(float));
  }
  const std::vector<std::string> all = communicator.share(own);
  clear();
  for (const std::string& part : all) {
    const std::size_t rows = part.size() / (1 + answers_.size() * sizeof(float));
    const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(rows, capacity_ - this->rows()));
    const char* at = part.data() + rows;
    for (std::vector<float>& answers : answers_) {
      answers.resize(answers.size() + taken);
      if (taken > 0) std::memcpy(answers.data() + answers.size() - taken, at, taken * sizeof(float));
      at += rows * sizeof(float);
    }
    labels_.insert(labels_.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  positives_ = static_cast<std::uint64_t>(std::count(labels_.begin(), labels_.end(), 1));
}

void CalibrationSample::clear() {
  for (std::vector<float>& answers : answers_) answers.clear();
  labels_.clear();
  positives_ = 0;
}

std::vector<Verdict> calibrate(const CalibrationSample& sample, const Target& target, std::span<const double> objectives,
                               int threads) {
  if (objectives.size() != sample.models())
    throw internal_error("calibrate: {} objectives of {} models", objectives.size(), sample.models());
  std::vector<Verdict> verdicts = judge(objectives);
  if (target.criterion == Criterion::loss_function || sample.rows() == 0) return verdicts;
  Counts counts;
  counts.positives = static_cast<double>(sample.positives());
  counts.negatives = static_cast<double>(sample.rows() - sample.positives());
  const std::size_t team = std::min<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), verdicts.size());
  ExceptionTrap trap;
  run_team(static_cast<int>(team), [&](int member) {
    trap.run(static_cast<std::size_t>(member), [&] {
      std::vector<std::uint64_t> items(sample.rows()), scratch;
      for (std::size_t m = static_cast<std::size_t>(member); m < verdicts.size(); m += team) {
        if (!verdicts[m].usable) continue;
        const std::span<const float> answers = sample.answers(m);
        for (std::size_t i = 0; i < items.size(); ++i) items[i] = ranked(answers[i], sample.labels()[i] != 0);
        sort_ranked(items, scratch);
        verdicts[m] = best_threshold(items, sample.loss(), target, counts);
        verdicts[m].objective = objectives[m];
      }
    });
  });
  trap.rethrow();
  return verdicts;
}

std::vector<Verdict> judge(std::span<const double> objectives) {
  std::vector<Verdict> verdicts(objectives.size());
  for (std::size_t m = 0; m < objectives.size(); ++m) {
    verdicts[m].usable = std::isfinite(objectives[m]);
    verdicts[m].value = verdicts[m].objective = objectives[m];
  }
  return verdicts;
}

bool is_better(const Target& target, const Verdict& a, const Verdict& b) {
  if (a.usable != b.usable) return a.usable;
  if (!a.usable) return false;
  if (a.feasible != b.feasible) return a.feasible;
  const double of_a = a.feasible ? a.value : a.side, of_b = b.feasible ? b.value : b.side;
  if (of_a != of_b) return target.maximizes() ? of_a > of_b : of_a < of_b;
  return a.objective < b.objective;
}

std::size_t best_model(const Target& target, std::span<const Verdict> verdicts) {
  std::size_t best = 0;
  for (std::size_t m = 1; m < verdicts.size(); ++m) {
    if (is_better(target, verdicts[m], verdicts[best])) best = m;
  }
  if (verdicts.empty() || !verdicts[best].usable) {
    throw user_error(
        "the loss of every model is no number any more: lower learning_rate, turn normalize_data on, and look for labels or "
        "features of another size than the rest");
  }
  return best;
}

std::vector<std::string> cautions(const CalibrationRows& seen, const Target& target, const Verdict& best) {
  std::vector<std::string> all;
  if (target.criterion == Criterion::loss_function) return all;
  const std::string rows = fmt::format("the {} rows of {} that it was found on, {} of them with label 1", grouped(seen.rows),
                                       seen.channel, grouped(seen.positives));
  const char* criterion = name_of(target.criterion);
  if (seen.positives == 0 || seen.positives == seen.rows) {
    all.push_back(fmt::format("{} cannot tell thresholds apart: all {} rows of {} have label {}", criterion,
                              grouped(seen.rows), seen.channel, seen.positives == 0 ? 0 : 1));
    return all;
  }
  const bool about_recall = target.criterion == Criterion::precision_at_target_recall;
  const bool about_precision = target.criterion == Criterion::recall_at_target_precision;
  if (!best.feasible) {
    all.push_back(fmt::format("no threshold reaches {} {:g} on {}; the one that comes nearest was taken, with {} {:.4g}",
                              about_recall ? "target_recall" : "target_precision",
                              about_recall ? target.target_recall : target.target_precision, rows,
                              about_recall ? "recall" : "precision", best.side));
  } else if ((about_recall || about_precision) && seen.positives < kFewPositives) {
    all.push_back(fmt::format("the threshold holds {} {:g} on {}; so few leave other rows uncertain",
                              about_recall ? "target_recall" : "target_precision",
                              about_recall ? target.target_recall : target.target_precision, rows));
  }
  return all;
}

}  // namespace smtrain::linear
