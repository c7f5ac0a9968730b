#include "algos/xgboost/answers.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "algos/xgboost/booster.h"
#include "base/error_help.h"
#include "compute/backend.h"

namespace smtrain::xgboost {
namespace {

using Catch::Matchers::Contains;

constexpr std::size_t kRows = 300, kColumns = 5, kLd = 7;

struct Sample {
  std::vector<float> values;  // rows that are further apart than they are wide
  std::vector<float> packed;
  std::vector<float> labels;
  DMatrix matrix;

  formats::Batch batch(std::size_t first = 0, std::size_t rows = kRows) const {
    formats::Batch b;
    b.rows = rows;
    b.cols = kColumns;
    b.ld = kLd;
    b.dense = values.data() + first * kLd;
    return b;
  }
};

Sample sample(int classes) {
  std::mt19937 random(7);
  Sample s;
  for (std::size_t i = 0; i < kRows; ++i) {
    float sum = 0;
    for (std::size_t j = 0; j < kLd; ++j) {
      const bool hole = random() % 5 == 0;
      const float x = static_cast<float>(random() % 1000) / 100;
      s.values.push_back(hole ? NAN : x);
      if (j >= kColumns) continue;
      s.packed.push_back(s.values.back());
      if (!hole && j < 2) sum += x;
    }
    s.labels.push_back(static_cast<float>(std::min(classes - 1, static_cast<int>(sum / 20 * static_cast<float>(classes)))));
  }
  s.matrix = DMatrix::dense(Library::open(), s.packed, kColumns, 1);
  s.matrix.set_floats("label", s.labels);
  return s;
}

Booster trained(const Sample& s, const std::string& objective, const std::string& booster = "gbtree", int seed = 0) {
  const DMatrix* const all[] = {&s.matrix};
  Booster model(Library::open(), all);
  Parameters parameters{{"objective", objective}, {"booster", booster}, {"nthread", "2"}, {"seed", std::to_string(seed)}};
  if (booster != "gblinear") parameters.insert(parameters.end(), {{"max_depth", "3"}, {"subsample", "0.8"}});
  if (objective.starts_with("multi:")) parameters.emplace_back("num_class", "3");
  if (booster == "dart") parameters.emplace_back("rate_drop", "0.3");
  model.configure(parameters);
  for (int round = 0; round < 6; ++round) model.update(round, s.matrix);
  return model;
}

// Of a model as it comes out of an artifact: without the matrix it was trained on.
class Asked final : public Answers {
 public:
  explicit Asked(const std::vector<const Booster*>& models) : Answers(reloaded(models)) {}

  formats::Prediction ask(const formats::Batch& batch, std::vector<std::string> columns = {}, bool ensemble = true, int threads = 2) const {
    const auto backend = compute::make_cpu_backend(threads);
    const auto scratch = make_scratch(*backend);
    formats::Prediction out;
    job::AnswerRequest wanted;
    wanted.columns = std::move(columns);
    wanted.ensemble = ensemble;
    predict(batch, wanted, *scratch, out);
    return out;
  }

 private:
  static std::vector<Booster> reloaded(const std::vector<const Booster*>& models) {
    std::vector<Booster> copies;
    for (const Booster* model : models) {
      copies.emplace_back(Library::open());
      copies.back().load(model->save("ubj"));
    }
    return copies;
  }
};

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST_CASE("xgboost answers: the score has the engine's bits, whatever the booster, the threads and the rows at a time", "[algos][xgboost]") {
  for (const char* const objective : {"binary:logistic", "binary:logitraw", "binary:hinge", "multi:softmax", "multi:softprob", "reg:squarederror",
                                      "count:poisson", "rank:pairwise"}) {
    for (const char* const booster : {"gbtree", "dart", "gblinear"}) {
      CAPTURE(objective, booster);
      const Sample s = sample(std::string(objective).starts_with("multi:") ? 3 : 2);
      const Booster model = trained(s, objective, booster);
      const Scores expected = model.predict(s.matrix);
      for (const int threads : {1, 3}) {
        const Asked answers({&model});
        const formats::Prediction all = answers.ask(s.batch(), {}, true, threads);
        REQUIRE(all.columns.size() == 1);
        CHECK(all.columns[0].name == "score");
        CHECK(same_bits(all.columns[0].values, expected.values));
        const std::size_t width = all.columns[0].width;
        CHECK(width == (std::string(objective) == "multi:softprob" ? 3u : 1u));
        const formats::Prediction few = answers.ask(s.batch(70, 9), {}, true, threads);
        CHECK(same_bits(few.columns[0].values, expected.values.subspan(70 * width, 9 * width)));
      }
    }
  }
}

TEST_CASE("xgboost answers: sparse rows are missing what they lack", "[algos][xgboost]") {
  const Sample s = sample(2);
  for (const char* const booster : {"gbtree", "dart"}) {
    const Booster model = trained(s, "binary:logistic", booster);
    std::vector<std::uint64_t> indptr{1000};  // as of a batch out of the midst of a block
    std::vector<std::uint32_t> indices;
    std::vector<float> values;
    for (std::size_t i = 0; i < kRows; ++i) {
      for (std::size_t j = 0; j < kColumns; ++j) {
        if (std::isnan(s.packed[i * kColumns + j])) continue;
        indices.push_back(static_cast<std::uint32_t>(j));
        values.push_back(s.packed[i * kColumns + j]);
      }
      indptr.push_back(1000 + indices.size());
    }
    formats::Batch batch;
    batch.rows = kRows;
    batch.cols = kColumns - 1;  // rows of a request may be narrower
    batch.indptr = indptr.data();
    batch.indices = indices.data();
    batch.values = values.data();
    CHECK(same_bits(Asked({&model}).ask(batch).columns[0].values, model.predict(s.matrix).values));
  }
}

TEST_CASE("xgboost answers: contributions sum to the margin", "[algos][xgboost]") {
  for (const char* const objective : {"binary:logistic", "multi:softmax", "reg:squarederror"}) {
    CAPTURE(objective);
    const std::size_t classes = std::string(objective) == "multi:softmax" ? 3 : 1;
    const Sample s = sample(classes == 3 ? 3 : 2);
    const Booster model = trained(s, objective);
    const Scores margins = model.predict(s.matrix, PredictionType::margin);
    const formats::Prediction out = Asked({&model}).ask(s.batch(), {"contribs"});
    REQUIRE(out.columns[0].width == classes * (kColumns + 1));
    for (std::size_t i = 0; i < kRows * classes; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j <= kColumns; ++j) sum += out.columns[0].values[i * (kColumns + 1) + j];
      REQUIRE(sum == Approx(margins.values[i]).margin(1e-5));
    }
  }
}

TEST_CASE("xgboost answers: selected columns of two classes", "[algos][xgboost]") {
  const Sample s = sample(2);
  const Booster model = trained(s, "binary:logistic");
  const std::vector<std::string> keys{"predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores", "predicted_score"};
  const formats::Prediction out = Asked({&model}).ask(s.batch(), keys);
  const auto p = model.predict(s.matrix).values;
  REQUIRE(out.columns.size() == 7);
  for (std::size_t i = 0; i < kRows; ++i) {
    CHECK(out.columns[0].values[i] == (p[i] > 0.5f ? 1.0f : 0.0f));
    CHECK(out.columns[1].values[2 * i + 1] == 1);
    CHECK(out.columns[2].values[i] == p[i]);
    CHECK(out.columns[3].values[2 * i] == 1.0f - p[i]);
    CHECK(out.columns[3].values[2 * i + 1] == p[i]);
    CHECK(out.columns[4].values[i] == p[i]);
    CHECK(out.columns[5].values[2 * i] == 1.0f - p[i]);
    CHECK(std::isnan(out.columns[6].values[i]));
  }
  CHECK(out.columns[0].integer);
  CHECK(out.columns[1].integer);
  const Booster raw = trained(s, "binary:logitraw");
  const formats::Prediction margins = Asked({&raw}).ask(s.batch(), {"raw_scores", "predicted_label", "probability"});
  const auto m = raw.predict(s.matrix).values;
  for (std::size_t i = 0; i < kRows; ++i) {
    CHECK(margins.columns[0].values[2 * i] == -m[i]);
    CHECK(margins.columns[0].values[2 * i + 1] == m[i]);
    CHECK(margins.columns[1].values[i] == (m[i] > 0 ? 1.0f : 0.0f));
    CHECK(std::isnan(margins.columns[2].values[i]));
  }
}

TEST_CASE("xgboost answers: selected columns of more classes", "[algos][xgboost]") {
  const Sample s = sample(3);
  const Booster soft = trained(s, "multi:softprob"), hard = trained(s, "multi:softmax");
  const auto p = soft.predict(s.matrix).values;
  const auto m = hard.predict(s.matrix, PredictionType::margin);
  const std::vector<float> margins(m.values.begin(), m.values.end());
  const formats::Prediction a = Asked({&soft}).ask(s.batch(), {"predicted_label", "probability", "probabilities", "raw_score"});
  const formats::Prediction b = Asked({&hard}).ask(s.batch(), {"predicted_label", "raw_score", "raw_scores", "probabilities", "labels"});
  CHECK(a.columns[0].integer);
  CHECK_FALSE(b.columns[0].integer);
  CHECK(same_bits(a.columns[2].values, p));
  CHECK(same_bits(b.columns[2].values, margins));
  CHECK(b.columns[3].width == 1);
  for (std::size_t i = 0; i < kRows; ++i) {
    const std::size_t best = static_cast<std::size_t>(std::max_element(p.begin() + 3 * static_cast<long>(i), p.begin() + 3 * static_cast<long>(i) + 3) - p.begin()) - 3 * i;
    CHECK(a.columns[0].values[i] == static_cast<float>(best));
    CHECK(a.columns[1].values[i] == p[3 * i + best]);
    CHECK(a.columns[3].values[i] == p[3 * i + best]);
    const auto label = static_cast<std::size_t>(b.columns[0].values[i]);
    CHECK(b.columns[1].values[i] == margins[3 * i + label]);
    CHECK(std::isnan(b.columns[3].values[i]));
    CHECK(b.columns[4].values[3 * i + 2] == 2);
  }
}

TEST_CASE("xgboost answers: several models are averaged, or vote", "[algos][xgboost]") {
  const Sample s = sample(3);
  const Booster a = trained(s, "multi:softprob", "gbtree", 1), b = trained(s, "multi:softprob", "gbtree", 2);
  const auto pa = a.predict(s.matrix).values;
  const std::vector<float> first(pa.begin(), pa.end());
  const auto pb = b.predict(s.matrix).values;
  const Asked both({&a, &b});
  const auto mean = both.ask(s.batch()).columns[0].values;
  for (std::size_t i = 0; i < mean.size(); ++i) CHECK(mean[i] == Approx((first[i] + pb[i]) / 2).margin(1e-7));
  CHECK(same_bits(both.ask(s.batch(), {}, false).columns[0].values, first));

  std::vector<Booster> voters;
  for (int seed = 1; seed <= 3; ++seed) voters.push_back(trained(s, "multi:softmax", "gbtree", seed));
  std::vector<std::vector<float>> votes;
  for (const Booster& voter : voters) {
    const auto v = voter.predict(s.matrix).values;
    votes.emplace_back(v.begin(), v.end());
  }
  const auto voted = Asked({&voters[0], &voters[1], &voters[2]}).ask(s.batch()).columns[0].values;
  for (std::size_t i = 0; i < kRows; ++i) {
    std::vector<float> sorted{votes[0][i], votes[1][i], votes[2][i]};
    std::sort(sorted.begin(), sorted.end());
    // Two of three, or the lowest of three.
    CHECK(voted[i] == (sorted[1] == sorted[2] ? sorted[1] : sorted[0]));
  }
}

TEST_CASE("xgboost answers: many threads may ask one model", "[algos][xgboost]") {
  const Sample s = sample(2);
  const Booster model = trained(s, "binary:logistic");
  const auto expected = model.predict(s.matrix).values;
  const Asked answers({&model});
  std::vector<int> same(6, 0);
  std::vector<std::thread> threads;
  for (int& result : same) {
    threads.emplace_back([&] {
      bool all = true;
      for (int i = 0; i < 10; ++i) all = all && same_bits(answers.ask(s.batch(), {"probability", "contribs"}).columns[0].values, expected);
      result = all ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(same == std::vector<int>(6, 1));
}

TEST_CASE("xgboost answers: columns say whether they apply", "[algos][xgboost]") {
  const auto applying = [](const char* objective) {
    const Sample s = sample(std::string(objective).starts_with("multi:") ? 3 : 2);
    const Booster model = trained(s, objective);
    std::string names;
    for (const job::AnswerColumn& column : Asked({&model}).columns()) {
      if (column.applies) names += column.name + " ";
    }
    return names;
  };
  CHECK(applying("binary:logistic") == "predicted_label labels probability probabilities raw_score raw_scores contribs ");
  CHECK(applying("multi:softprob") == applying("binary:logistic"));
  CHECK(applying("binary:hinge") == "predicted_label labels raw_score raw_scores contribs ");
  CHECK(applying("multi:softmax") == applying("binary:logitraw"));
  CHECK(applying("reg:squarederror") == "predicted_score contribs ");
  CHECK(applying("rank:pairwise") == "predicted_score contribs ");
}

}  // namespace
}  // namespace smtrain::xgboost
