#include "algos/rcf/predictor.h"

#include <algorithm>
#include <cmath>

#include "algos/rcf/seen_scores.h"
#include "algos/rcf/shingle.h"
#include "algos/rcf/updater.h"
#include "base/each_index.h"
#include "base/error.h"
#include "base/text.h"
#include "formats/archive/zip.h"

namespace smtrain::rcf {
namespace {

struct RcfScratch final : job::Predictor::Scratch {
  explicit RcfScratch(const RcfModel& model) : shingler(model.feature_dim, model.shingle, model.last_rows), seen(model.forest.d) {}
  Shingler shingler;
  SeenScores seen;
};

constexpr std::size_t kRowsAtOnce = 8192;

}  // namespace

ScoreStats stats_of(const Forest& forest, const Scorer& scorer, int threads) {
  std::vector<float> scores(forest.rows());
  SeenScores seen(forest.d);
  for (std::size_t first = 0; first < forest.rows(); first += kRowsAtOnce) {
    seen.score(scorer, forest.row(first), std::min(kRowsAtOnce, forest.rows() - first), forest.d, threads, scores.data() + first);
  }
  double sum = 0, squares = 0, count = 0;
  for (std::size_t i = 0; i < forest.rows(); ++i) {
    if (forest.tree_of[i] < 0) continue;
    sum += static_cast<double>(scores[i]);
    ++count;
  }
  const double mean = sum / count;
  for (std::size_t i = 0; i < forest.rows(); ++i) {
    const double e = forest.tree_of[i] < 0 ? 0 : static_cast<double>(scores[i]) - mean;
    squares += e * e;
  }
  return {mean, std::sqrt(squares / count)};
}

std::unique_ptr<job::Predictor::Scratch> RcfPredictor::make_scratch(compute::Backend&) const { return std::make_unique<RcfScratch>(model_); }

std::vector<job::AnswerColumn> RcfPredictor::answer_columns() const {
  return {{kScore, "The anomaly score."},
          {kDepth, "Depth of the leaf that the row comes to, the mean over trees."},
          {kAttribution, "For each column its share of the score; of shingles for each number of the point, the oldest row first."},
          {kAnomaly, "1 where the score is above the model's cut-off, which is the mean of its training scores and 3 deviations; else 0."}};
}

std::vector<std::string> columns_of(const job::AnswerRequest& wanted) {
  if (!wanted.columns.empty()) return wanted.columns;
  return wanted.verbose ? std::vector<std::string>{kScore, kDepth, kAttribution} : std::vector<std::string>{kScore};
}

bool needs_explanation(const std::vector<std::string>& columns) {
  return std::any_of(columns.begin(), columns.end(), [](const std::string& c) { return c == kDepth || c == kAttribution; });
}

void lay_out(const std::vector<std::string>& columns, std::size_t rows, std::size_t d, formats::Prediction& out) {
  out.rows = rows;
  out.columns.resize(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    formats::PredictionColumn& column = out.columns[c];
    column.name = columns[c];
    column.list = columns[c] == kAttribution;
    column.width = column.list ? d : 1;
    column.integer = columns[c] == kAnomaly;
    column.values.resize(rows * column.width);
  }
}

void fill(formats::Prediction& out, std::size_t row, const Explanation& said, double cutoff) {
  for (formats::PredictionColumn& column : out.columns) {
    float* to = column.values.data() + row * column.width;
    const auto score = static_cast<float>(said.score);
    if (column.name == kScore) *to = score;
    else if (column.name == kDepth) *to = static_cast<float>(said.depth);
    else if (column.name == kAnomaly) *to = static_cast<double>(score) > cutoff ? 1.0f : 0.0f;
    else std::transform(said.attribution.begin(), said.attribution.end(), to, [](double share) { return static_cast<float>(share); });
  }
}

void RcfPredictor::predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest& wanted, Scratch& scratch_base,
                           formats::Prediction& out) const {
  auto& scratch = static_cast<RcfScratch&>(scratch_base);
  const formats::Batch joined = scratch.shingler(batch), points = dense(joined);
  const std::vector<std::string> columns = columns_of(wanted);
  lay_out(columns, points.rows, scorer_.d(), out);
  if (points.rows == 0) return;
  const int threads = backend.device().threads;
  const double cutoff = model_.stats.cutoff();
  std::vector<float> scores(points.rows);
  scratch.seen.score(scorer_, points.dense, points.rows, points.ld, threads, scores.data());
  const bool explains = needs_explanation(columns), attributes = std::find(columns.begin(), columns.end(), kAttribution) != columns.end();
  const auto answer = [&](std::size_t i) {
    Explanation said;
    if (explains) said = scorer_.explain(points.dense + i * points.ld, attributes);
    said.score = static_cast<double>(scores[i]);
    fill(out, i, said, cutoff);
  };
  if (explains) each_index(threads, points.rows, answer);
  else for (std::size_t i = 0; i < points.rows; ++i) answer(i);
}

std::unique_ptr<job::Updater> RcfPredictor::updater() const { return std::make_unique<RcfUpdater>(model_); }

void RcfPredictor::save(job::Model& model) const { model.files[kMember] = write_artifact(model_); }

std::vector<std::pair<std::string, std::string>> RcfPredictor::facts() const {
  const Forest& forest = model_.forest;
  std::uint64_t samples = 0, deepest = 0, nodes = 0;
  for (const Tree& tree : forest.trees) {
    samples += static_cast<std::uint64_t>(tree.mass[0]);
    nodes += tree.nodes();
    deepest = std::max<std::uint64_t>(deepest, depth_of(tree));
  }
  const auto trees = static_cast<double>(forest.trees.size());
  std::vector<std::pair<std::string, std::string>> facts{
      {"trees", grouped(forest.trees.size())},
      {"samples per tree", fmt::format("{:.1f} (asked for: {})", static_cast<double>(samples) / trees, model_.num_samples_per_tree)},
      {"nodes per tree", fmt::format("{:.1f}", static_cast<double>(nodes) / trees)},
      {"deepest leaf", std::to_string(deepest)},
      {"feature_dim", std::to_string(model_.feature_dim)},
      {"points seen", grouped(model_.rows_seen)},
      {"scores of the sample", fmt::format("mean {:.4f}, deviation {:.4f}", model_.stats.mean, model_.stats.deviation)},
      {"cut-off (mean + 3 deviations)", fmt::format("{:.4f}", model_.stats.cutoff())},
      {"memory for scoring", format_bytes(scorer_.bytes())}};
  if (model_.shingle > 1) facts.emplace_back("shingle", fmt::format("{} rows to a point", model_.shingle));
  return facts;
}

std::unique_ptr<RcfPredictor> load(const job::Model& model) {
  const auto member = model.files.find(kMember);
  if (member == model.files.end()) throw user_error("the tarball has no {}; not a random cut forest", kMember);
  if (!formats::is_zip(member->second)) {
    throw user_error("{}: is no zip; the layout of the service's own forests is not public, so that only those of smtrain can be read", kMember);
  }
  return std::make_unique<RcfPredictor>(read_artifact(member->second));
}

bool recognises(const job::Model& model) {
  const auto member = model.files.find(kMember);
  return member != model.files.end() && is_artifact(member->second);
}

}  // namespace smtrain::rcf
