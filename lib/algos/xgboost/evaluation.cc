#include "algos/xgboost/evaluation.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "algos/xgboost/early_stopping.h"
#include "algos/xgboost/metric_list.h"
#include "algos/xgboost/own_metrics.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

double number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> values_of(std::span<const Score> scores) {
  std::vector<double> values;
  for (const Score& score : scores) values.push_back(score.value);
  return values;
}

// By the name it was asked for: the engine adds the power to tweedie-nloglik.
std::string asked_name(const std::string& metric, const std::vector<std::string>& asked) {
  const std::string base(base_of(metric));
  const bool exact = std::find(asked.begin(), asked.end(), metric) != asked.end();
  return !exact && std::find(asked.begin(), asked.end(), base) != asked.end() ? base : metric;
}

}  // namespace

std::vector<Score> read_engine_line(std::string_view line, std::span<const Watched> watched) {
  std::vector<Score> scores;
  for (const std::string_view part : split(line, '\t')) {
    const std::size_t colon = part.rfind(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = part.substr(0, colon);
    for (const Watched& w : watched) {
      if (!name.starts_with(w.name) || name.size() <= w.name.size() || name[w.name.size()] != '-') continue;
      scores.push_back({w.name, std::string(name.substr(w.name.size() + 1)), number(part.substr(colon + 1))});
    }
  }
  return scores;
}

std::vector<Score> evaluate(Booster& booster, const Params& params, int round, std::span<const Watched> watched, dist::Communicator& workers) {
  std::vector<const DMatrix*> matrices;
  std::vector<std::string> names;
  for (const Watched& w : watched) {
    matrices.push_back(w.matrix);
    names.push_back(w.name);
  }
  const std::vector<Score> by_engine = read_engine_line(booster.evaluate(round, matrices, names), watched);
  const std::vector<std::string> own = params.own_metrics(), asked = params.metrics();
  std::vector<Score> scores;
  for (const Watched& w : watched) {
    // The container's rmse and mae stand in the place of the engine's.
    for (const Score& score : by_engine) {
      if (score.channel == w.name && std::find(own.begin(), own.end(), score.metric) == own.end()) {
        scores.push_back({score.channel, asked_name(score.metric, asked), score.value});
      }
    }
    if (own.empty()) continue;
    const Scores predictions = booster.predict(*w.matrix);
    const std::span<const float> labels = w.matrix->floats("label");
    const std::size_t rows = static_cast<std::size_t>(w.rows.value_or(labels.size())), each = labels.empty() ? 1 : predictions.values.size() / labels.size();
    const std::vector<double> values = own_metrics(params, own, predictions.values.first(rows * each), labels.first(rows), workers);
    for (std::size_t i = 0; i < own.size(); ++i) scores.push_back({w.name, own[i], values[i]});
  }
  return scores;
}

std::string evaluation_line(std::int64_t round, std::span<const Score> scores) {
  std::string line = fmt::format("[{}]", round);
  for (const Score& score : scores) line += fmt::format("\t{}-{}:{:.5f}", score.channel, score.metric, score.value);
  return line;
}

void put_scores(job::State& state, const std::string& name, std::span<const Score> scores) {
  std::vector<std::string> names;
  for (const Score& score : scores) names.push_back(score.channel + "\t" + score.metric);
  state.put(name + ".names", join(names, "\n"));
  if (!scores.empty()) state.put(name, {scores.size()}, values_of(scores));
}

std::vector<Score> get_scores(const job::State& state, const std::string& name) {
  std::vector<Score> scores;
  const std::string names = state.text(name + ".names");
  if (names.empty()) return scores;
  for (const std::string_view line : split(names, '\n')) {
    const std::size_t tab = line.find('\t');
    scores.push_back({std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)), 0});
  }
  const std::vector<double> values = state.f64(name, {scores.size()});
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i].value = values[i];
  return scores;
}

job::Evaluation evaluation_of(std::optional<std::int64_t> round, std::span<const Score> scores) {
  job::Evaluation evaluation;
  if (round) evaluation.line = evaluation_line(*round, scores);
  for (const Score& score : scores) {
    evaluation.metrics.push_back({score.channel, score.metric, score.value, !is_maximised(score.metric), round, {}});
  }
  return evaluation;
}

}  // namespace smtrain::xgboost
