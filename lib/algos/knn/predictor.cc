#include "algos/knn/predictor.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "algos/knn/search.h"
#include "algos/knn/vote.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::knn {
namespace {

using compute::Mat;

struct KnnScratch final : job::Predictor::Scratch {
  KnnScratch(compute::Backend& backend, const Knowledge& knows) : shaper(backend, knows.shape), searcher(backend, knows.index) {}
  RowShaper shaper;
  Searcher searcher;
  std::vector<float> labels, distances, answers, shares;  // (n, k), (n, k), (n), (n)
  std::vector<std::int64_t> ids;                          // (n, k): positions
  std::vector<float> votes, sorted;
};

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

}  // namespace

std::unique_ptr<job::Predictor::Scratch> KnnPredictor::make_scratch(compute::Backend& backend) const {
  return std::make_unique<KnnScratch>(backend, knows_);
}

std::vector<job::AnswerColumn> KnnPredictor::answer_columns() const {
  const bool distances = knows_.index.closeness == compute::Closeness::distance;
  std::vector<job::AnswerColumn> columns{
      {"predicted_label", knows_.task == Task::classifier ? "the label that most neighbours bear" : "the mean of the neighbours' labels"},
      {"distances",
       distances ? "squared Euclidean distances to the neighbours, nearest first" : "products with the neighbours, largest first"},
      {"labels", "the labels of the neighbours, nearest first"}};
  if (!knows_.positions.empty())
    columns.push_back({"ids", "the positions of the neighbours in the training input, from 0, nearest first"});
  if (knows_.task == Task::classifier) columns.push_back({"vote_share", "the share of the neighbours that bear the predicted label"});
  return columns;
}

void KnnPredictor::predict(compute::Backend&, const formats::Batch& batch, const job::AnswerRequest& wanted, Scratch& scratch_base,
                           formats::Prediction& out) const {
  auto& s = static_cast<KnnScratch&>(scratch_base);
  const std::size_t k = knows_.k, n = batch.rows;
  s.labels.assign(n * k, kNothing);
  s.distances.resize(n * k);
  s.ids.assign(n * k, -1);
  s.answers.resize(n);
  s.shares.resize(n);
  s.shaper.for_each(batch, [&](const Mat& x, std::size_t first) {
    const Neighbours found = s.searcher.find(x, k);
    std::copy(found.scores.begin(), found.scores.end(), s.distances.begin() + static_cast<std::ptrdiff_t>(first * k));
    for (std::size_t i = 0; i < x.rows; ++i) {
      s.votes.clear();
      for (std::size_t j = 0; j < k && found.ids[i * k + j] >= 0; ++j) {
        const auto row = static_cast<std::size_t>(found.ids[i * k + j]);
        s.votes.push_back(s.labels[(first + i) * k + j] = knows_.labels[row]);
        if (!knows_.positions.empty()) s.ids[(first + i) * k + j] = knows_.positions[row];
      }
      const Answer answer = answer_of(knows_.task, s.votes, s.sorted);
      s.answers[first + i] = answer.label;
      s.shares[first + i] = answer.share;
    }
  });
  std::vector<std::string> names = wanted.columns;
  if (names.empty()) names = {"predicted_label"};
  if (wanted.columns.empty() && wanted.verbose) names.insert(names.end(), {"distances", "labels"});
  out.rows = n;
  out.columns.assign(names.size(), {});
  for (std::size_t c = 0; c < names.size(); ++c) fill_column(names[c], s, out.columns[c]);
}

void KnnPredictor::fill_column(const std::string& name, Scratch& scratch_base, formats::PredictionColumn& out) const {
  auto& s = static_cast<KnnScratch&>(scratch_base);
  out.name = name;
  if (name == "predicted_label") out.values = s.answers;
  if (name == "vote_share") out.values = s.shares;
  if (name == "distances") out.values = s.distances;
  if (name == "labels") out.values = s.labels;
  if (name == "ids") out.integers = s.ids;
  out.integer = name == "ids";
  out.list = name == "distances" || name == "labels" || name == "ids";
  if (out.list) out.width = knows_.k;
}

std::vector<std::pair<std::string, std::string>> KnnPredictor::facts() const {
  const Index& index = knows_.index;
  static const char* const kinds[] = {"faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"};
  std::vector<std::pair<std::string, std::string>> facts{
      {"k", std::to_string(knows_.k)},
      {"predictor_type", knows_.task == Task::classifier ? "classifier" : "regressor"},
      {"index", kinds[static_cast<int>(index.kind)]},
      {"metric", knows_.shape.unit_length ? "COSINE" : index.closeness == compute::Closeness::distance ? "L2" : "INNER_PRODUCT"},
      {"rows", grouped(index.rows)},
      {"feature_dim", std::to_string(knows_.shape.feature_dim)}};
  if (knows_.rows_seen > 0) facts.emplace_back("a sample of", counted(knows_.rows_seen, "row"));
  if (knows_.shape.reduction != Reduction::none) {
    facts.emplace_back("projection", fmt::format("{} to {} numbers, seed {}", knows_.shape.reduction == Reduction::sign ? "sign" : "fjlt",
                                                 knows_.shape.target, knows_.shape.seed));
  }
  if (index.kind != IndexKind::flat)
    facts.emplace_back("lists", fmt::format("{}, of which a query looks through {}", index.lists(), index.probes));
  if (index.kind == IndexKind::ivf_pq) facts.emplace_back("bytes of a code", std::to_string(index.parts));
  std::vector<float> labels = knows_.labels;
  std::sort(labels.begin(), labels.end());
  const auto distinct = std::unique(labels.begin(), labels.end()) - labels.begin();
  if (knows_.task == Task::classifier) facts.emplace_back("labels", grouped(static_cast<std::uint64_t>(distinct)));
  return facts;
}

}  // namespace smtrain::knn
