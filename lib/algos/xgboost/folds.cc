#include "algos/xgboost/folds.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "algos/xgboost/own_metrics.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

void shuffle(std::vector<int>& rows, RandomStream& random) {
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
}

// The probability of the class that is predicted; what the container calls so.
double probability(const Params& p, std::span<const float> row) {
  if (p.objective == "multi:softmax") {  // margins
    double sum = 0;
    const float top = *std::max_element(row.begin(), row.end());
    for (const float margin : row) sum += std::exp(static_cast<double>(margin - top));
    return 1 / sum;
  }
  if (row.size() > 1) return static_cast<double>(*std::max_element(row.begin(), row.end()));
  return p.objective == "binary:logitraw" ? 1 / (1 + std::exp(-static_cast<double>(row.front()))) : static_cast<double>(row.front());
}

int most_frequent(std::vector<int> votes) {
  std::sort(votes.begin(), votes.end());
  int best = 0;
  std::ptrdiff_t most = 0;
  for (auto at = votes.begin(); at != votes.end();) {
    const auto end = std::upper_bound(at, votes.end(), *at);
    if (end - at > most) {
      most = end - at;
      best = *at;
    }
    at = end;
  }
  return best;
}

std::vector<int> rows_where(const std::vector<int>& fold_of, int fold, bool inside) {
  std::vector<int> rows;
  for (std::size_t i = 0; i < fold_of.size(); ++i) {
    if ((fold_of[i] == fold) == inside) rows.push_back(static_cast<int>(i));
  }
  return rows;
}

std::vector<Score> mean_of(const std::vector<std::vector<Score>>& all) {
  std::vector<Score> mean = all.front();
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean[i].value = 0;
    for (const auto& scores : all) mean[i].value += scores[i].value / static_cast<double>(all.size());
  }
  return mean;
}

// All models of all repetitions, and where a run that is interrupted stands among them.
class Folds {
 public:
  Folds(const BoostingPlan& plan, const DMatrix& data, job::Context& context)
      : plan_(plan), data_(data), context_(context), k_(static_cast<int>(*plan.params.kfold)),
        count_(k_ * static_cast<int>(plan.params.num_cv_round)), answers_(plan.params, data.floats("label")) {}

  Artifact run() {
    if (const job::State* state = context_.resumed()) restore(*state);
    while (at_ < count_ && !stopped_) train_next();
    if (finished_.empty()) throw user_error("stopped before the first fold was trained");
    report();
    artifact_.others["predictions.csv"] = answers_.csv();
    return std::move(artifact_);
  }

 private:
  static std::string member(int i) { return fmt::format("xgboost-model-{}", i); }

  struct Part {
    DMatrix train, held;
    std::vector<int> held_rows;
  };

  Part part(int model) {
    const int repetition = model / k_;
    const Task task = task_of(plan_.params.objective);
    const bool stratified = task == Task::binary || plan_.params.num_class;
    const std::vector<int> fold_of = assign_folds(data_.floats("label"), static_cast<std::size_t>(k_), stratified,
                                                  context_.random(fmt::format("folds {}", repetition)));
    Part part;
    part.held_rows = rows_where(fold_of, model % k_, true);
    part.train = data_.slice(rows_where(fold_of, model % k_, false));
    part.held = data_.slice(part.held_rows);
    return part;
  }

  void train_next() {
    const Part p = part(at_);
    BoostingPlan plan = plan_;
    plan.model = at_;
    Boosting boosting(plan, {{"train", &p.train}, {"validation", &p.held}}, context_);
    if (resumes_here_) boosting.restore(*context_.resumed());
    resumes_here_ = false;
    context_.log().info("model {} of {}: {} rows to train on, {} held out", at_ + 1, count_, p.train.rows(), p.held.rows());
    while (!boosting.done() && !stopped_) {
      boosting.step();
      stopped_ = !safe_point(boosting);
    }
    artifact_.models[member(at_)] = boosting.model();
    finished_.push_back(boosting.last_scores());
    answer(artifact_.models[member(at_)], p);
    ++at_;
  }

  bool safe_point(const Boosting& boosting) {
    const double done = (at_ + static_cast<double>(boosting.rounds()) / static_cast<double>(plan_.params.num_round)) / count_;
    const std::string phase = fmt::format("model {}/{}, round {}", at_ + 1, count_, boosting.rounds());
    return context_.safe_point({phase, done, data_.rows() * static_cast<std::uint64_t>(at_), std::nullopt},
                               [&](job::State& state) { save(boosting, state); });
  }

  void answer(const std::string& bytes, const Part& p) {
    const Booster booster = load_booster(plan_.library, bytes, member(at_));
    const auto type = plan_.params.objective == "multi:softmax" ? PredictionType::margin : PredictionType::value;
    answers_.add(p.held_rows, booster.predict(p.held, type).values);
  }

  void save(const Boosting& boosting, job::State& state) const {
    state.put("folds.at", std::int64_t{at_});
    for (const auto& [name, bytes] : artifact_.models) state.put_bytes("folds." + name, bytes);
    for (std::size_t i = 0; i < finished_.size(); ++i) put_scores(state, fmt::format("folds.scores-{}", i), finished_[i]);
    boosting.save(state);
  }

  void restore(const job::State& state) {
    const auto until = static_cast<int>(state.integer("folds.at"));
    for (at_ = 0; at_ < until; ++at_) {
      artifact_.models[member(at_)] = state.bytes("folds." + member(at_));
      finished_.push_back(get_scores(state, fmt::format("folds.scores-{}", at_)));
      answer(artifact_.models[member(at_)], part(at_));
    }
    resumes_here_ = true;
  }

  // The averages, in the place of a last round.
  void report() {
    const std::vector<Score> mean = mean_of(finished_);
    job::Evaluation last = evaluation_of(plan_.params.num_round, mean);
    for (job::Quality& metric : last.metrics) metric.epoch.reset();
    context_.metrics().evaluation(last);
  }

  const BoostingPlan& plan_;
  const DMatrix& data_;
  job::Context& context_;
  const int k_, count_;
  int at_ = 0;
  bool stopped_ = false, resumes_here_ = false;
  Artifact artifact_;
  std::vector<std::vector<Score>> finished_;
  OutOfFold answers_;
};

}  // namespace

std::vector<int> assign_folds(std::span<const float> labels, std::size_t folds, bool stratified, RandomStream random) {
  std::map<float, std::vector<int>> by_label;
  for (std::size_t i = 0; i < labels.size(); ++i) by_label[stratified ? labels[i] : 0].push_back(static_cast<int>(i));
  std::vector<int> fold_of(labels.size());
  std::size_t next = 0;  // goes on from label to label, so that folds are of one size
  for (auto& [label, rows] : by_label) {
    shuffle(rows, random);
    for (const int row : rows) fold_of[static_cast<std::size_t>(row)] = static_cast<int>(next++ % folds);
  }
  return fold_of;
}

OutOfFold::OutOfFold(const Params& params, std::span<const float> labels)
    : params_(params), classes_(params.num_class || task_of(params.objective) == Task::binary), labels_(labels.begin(), labels.end()),
      sums_(labels.size()), votes_(classes_ ? labels.size() : 0), times_(labels.size()) {}

void OutOfFold::add(std::span<const int> rows, std::span<const float> scores) {
  const std::size_t width = rows.empty() ? 1 : scores.size() / rows.size();
  const std::vector<std::size_t> classes = classes_ ? predicted_classes(params_, scores, rows.size()) : std::vector<std::size_t>{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    const std::span<const float> answer = scores.subspan(i * width, width);
    sums_[row] += classes_ ? probability(params_, answer) : static_cast<double>(answer.front());
    ++times_[row];
    if (classes_) votes_[row].push_back(static_cast<int>(classes[i]));
  }
}

std::string OutOfFold::csv() const {
  std::string text;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (times_[i] == 0) continue;  // of a run that was stopped
    text += fmt::format("{:.6f},{:.6f}", labels_[i], sums_[i] / times_[i]);
    text += classes_ ? fmt::format(",{:.6f}\n", static_cast<double>(most_frequent(votes_[i]))) : "\n";
  }
  return text;
}

Artifact train_folds(const BoostingPlan& plan, const DMatrix& data, job::Context& context) {
  if (data.rows() < static_cast<std::uint64_t>(*plan.params.kfold)) {
    throw user_error("hyperparameter _kfold: {} folds of {}; give at most as many as there are rows", *plan.params.kfold,
                     counted(data.rows(), "row"));
  }
  return Folds(plan, data, context).run();
}

}  // namespace smtrain::xgboost
