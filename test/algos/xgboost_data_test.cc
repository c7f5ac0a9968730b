#include "algos/xgboost/data.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <random>

#include "algos/test_context.h"
#include "algos/xgboost/booster.h"
#include "base/error_help.h"
#include "base/temporary_folder.h"

namespace smtrain::xgboost {
namespace {

using Catch::Matchers::Contains;
using test::error_of;
using test::TemporaryFolder;
using test::TestContext;

struct Data {
  std::size_t rows = 0, columns = 0;
  std::vector<float> values, labels, weights;
};

Data random_data(std::mt19937& random, std::size_t rows, std::size_t columns, double holes) {
  Data data{rows, columns, {}, {}, {}};
  for (std::size_t i = 0; i < rows; ++i) {
    float sum = 0;
    for (std::size_t j = 0; j < columns; ++j) {
      // Eighths, which text holds exactly; none is zero, which sparse rows would leave out.
      const float x = (1 + static_cast<float>(random() % 4000)) / 8;
      const bool hole = static_cast<double>(random() % 1000) < 1000 * holes;
      data.values.push_back(hole ? NAN : x);
      if (!hole && j < 3) sum += x;
    }
    data.labels.push_back(sum > 600 ? 1.0f : 0.0f);
    data.weights.push_back(0.5f + static_cast<float>(random() % 8) / 4);
  }
  return data;
}

std::string csv(const Data& data, bool weights) {
  std::string text;
  for (std::size_t i = 0; i < data.rows; ++i) {
    text += fmt::format("{}", data.labels[i]);
    if (weights) text += fmt::format(",{}", data.weights[i]);
    for (std::size_t j = 0; j < data.columns; ++j) {
      const float x = data.values[i * data.columns + j];
      text += std::isnan(x) ? "," : fmt::format(",{}", x);
    }
    text += '\n';
  }
  return text;
}

std::string libsvm(const Data& data) {
  std::string text;
  for (std::size_t i = 0; i < data.rows; ++i) {
    text += fmt::format("{}", data.labels[i]);
    for (std::size_t j = 0; j < data.columns; ++j) {
      const float x = data.values[i * data.columns + j];
      if (!std::isnan(x)) text += fmt::format(" {}:{}", j, x);
    }
    text += '\n';
  }
  return text;
}

std::unique_ptr<TestContext> context_of(const TemporaryFolder& folder, std::map<std::string, std::string> files) {
  std::map<std::string, std::string> channels;
  for (const auto& [channel, text] : files) {
    const bool svm = text.find(':') != std::string::npos;
    channels[channel] = folder.write(channel + (svm ? ".libsvm" : ".csv"), text);
  }
  auto context = std::make_unique<TestContext>(channels, 2);
  context->csv_type = "text/csv";
  context->supervised = true;
  context->missing = formats::Missing::features;
  return context;
}

Rows matrix_of(const std::string& text, MatrixPlan plan, bool weights = false) {
  const TemporaryFolder folder;
  const auto context = context_of(folder, {{"train", text}});
  plan.channels = {"train"};
  return Channels(*context, {"train"}, weights).read(Library::open(), plan);
}

std::string model_of(const DMatrix& matrix, const char* method, int threads, int max_bin = 256) {
  const DMatrix* const all[] = {&matrix};
  Booster booster(Library::open(), all);
  booster.configure({{"objective", "binary:logistic"},
                     {"tree_method", method},
                     {"max_bin", std::to_string(max_bin)},
                     {"nthread", std::to_string(threads)},
                     {"max_depth", "5"}});
  for (int round = 0; round < 8; ++round) booster.update(round, matrix);
  return booster.save("ubj");
}

DMatrix in_one_array(const Data& data, bool weights) {
  DMatrix matrix = DMatrix::dense(Library::open(), data.values, data.columns, 2);
  matrix.set_floats("label", data.labels);
  if (weights) matrix.set_floats("weight", data.weights);
  return matrix;
}

TEST_CASE("xgboost data: models are those of one array, whatever the matrix, the format and the threads", "[algos][xgboost]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  // More rows than a block has, so that the engine gets several.
  const Data data = random_data(random, 40'000, 7, 0.2);
  for (const bool weights : {false, true}) {
    CAPTURE(weights);
    const std::string expected = model_of(in_one_array(data, weights), "hist", 1, 64);
    for (const bool quantile : {false, true}) {
      for (const int threads : {1, 3}) {
        CAPTURE(quantile, threads);
        MatrixPlan plan;
        plan.quantiles = quantile;
        plan.max_bin = 64;
        plan.threads = threads;
        const Rows matrix = matrix_of(csv(data, weights), plan, weights);
        CHECK(matrix.rows == data.rows);
        CHECK(matrix.quantiles == quantile);
        CHECK(matrix.weighted == weights);
        CHECK((model_of(matrix.matrix, "hist", threads, 64) == expected));
        if (weights) continue;
        const Rows sparse = matrix_of(libsvm(data), plan);
        CHECK((model_of(sparse.matrix, "hist", threads, 64) == expected));
      }
    }
    const std::string exact = model_of(in_one_array(data, weights), "exact", 1);
    CHECK((model_of(matrix_of(csv(data, weights), {}, weights).matrix, "exact", 2) == exact));
  }
}

TEST_CASE("xgboost data: what is missing in a column is learnt from all the same", "[algos][xgboost]") {
  Data data{200, 2, {}, {}, {}};
  for (std::size_t i = 0; i < data.rows; ++i) {
    data.values.insert(data.values.end(), {i % 2 == 0 ? NAN : 1.0f, static_cast<float>(i % 3)});
    data.labels.push_back(i % 2 == 0 ? 1.0f : 0.0f);
  }
  for (const bool quantile : {false, true}) {
    MatrixPlan plan;
    plan.quantiles = quantile;
    const Rows train = matrix_of(csv(data, false), plan);
    const DMatrix* const all[] = {&train.matrix};
    Booster booster(Library::open(), all);
    booster.configure({{"objective", "binary:logistic"}, {"tree_method", "hist"}});
    for (int round = 0; round < 3; ++round) booster.update(round, train.matrix);
    const Rows plain = matrix_of(csv(data, false), {});
    const Scores scores = booster.predict(plain.matrix);
    REQUIRE(scores.values.size() == data.rows);
    for (std::size_t i = 0; i < data.rows; ++i) CHECK((scores.values[i] > 0.5f) == (data.labels[i] == 1.0f));
  }
}

TEST_CASE("xgboost data: queries become groups, their rows' weight theirs", "[algos][xgboost]") {
  MatrixPlan plan;
  plan.quantiles = true;  // not for queries
  const Rows matrix = matrix_of("1:2 qid:7 0:1\n0:2 qid:7 0:2\n1:3 qid:4 0:3\n", plan);
  CHECK_FALSE(matrix.quantiles);
  CHECK(matrix.grouped);
  const auto weights = matrix.matrix.floats("weight");
  CHECK(std::vector<float>(weights.begin(), weights.end()) == std::vector<float>{2, 3});
  CHECK_THAT(error_of([] { matrix_of("1 qid:7 0:1\n0 qid:4 0:2\n1 qid:7 0:3\n", {}); }),
             Contains("train.libsvm:3: qid 7 again, behind rows of qid 4; expected the rows of a query one after another"));
  CHECK_THAT(error_of([] { matrix_of("1:2 qid:7 0:1\n0:3 qid:7 0:2\n", {}); }), Contains("train.libsvm:2: weight 3, but qid 7 began with 2"));
}

TEST_CASE("xgboost data: channels have one feature space", "[algos][xgboost]") {
  const TemporaryFolder folder;
  const auto space = [&](const std::string& train, const std::string& validation) {
    const auto context = context_of(folder, {{"train", train}, {"validation", validation}});
    return Channels(*context, {"train", "validation"}, false).feature_dim();
  };
  CHECK(space("1,2,3\n", "0,5,6\n") == 2);
  CHECK(space("1 0:2\n", "0 4:1\n") == 5);
  CHECK(space("1,2,3\n", "0 0:1\n") == 2);
  CHECK(space("1 0:2\n", "0,5,6\n") == 2);
  CHECK_THAT(error_of([&] { space("1,2,3\n", "0,5\n"); }), Contains("feature spaces differ: train has 2 features, validation has 1 feature;"));
  CHECK_THAT(error_of([&] { space("1,2,3\n", "0 2:1\n"); }), Contains("train has 2 features, validation has 3"));
  CHECK_THAT(error_of([&] { space("1 4:2\n", "0,5\n"); }), Contains("validation has 1 feature, train has 5 features"));
}

TEST_CASE("xgboost data: the log says how large the matrices are, and labels are checked with their place", "[algos][xgboost]") {
  const TemporaryFolder folder;
  const auto context = context_of(folder, {{"train", "1,2,3\n0,4,5\n"}, {"validation", "0,5,6\n"}});
  Channels channels(*context, {"train", "validation"}, false);
  channels.read(Library::open(), {.channels = {"train"}});
  MatrixPlan plan;
  plan.channels = {"validation"};
  plan.check = [](const formats::Batch& batch) { throw user_error("{}: label {}", batch.where(0), batch.labels[0]); };
  CHECK_THAT(error_of([&] { channels.read(Library::open(), plan); }), Contains("validation.csv:1: label 0"));
  CHECK(context->logged("Train matrix has 2 rows and 2 columns"));
  const auto unlabelled = context_of(folder, {{"train", "1,2,3\n"}});
  unlabelled->csv_type = "text/csv;label_size=0";
  CHECK_THAT(error_of([&] { Channels(*unlabelled, {"train"}, false); }), Contains("train: rows without labels"));
  unlabelled->csv_type = "text/csv;label_size=2";
  CHECK_THAT(error_of([&] { Channels(*unlabelled, {"train"}, false); }), Contains("train: 2 labels in a row; expected one"));
}

TEST_CASE("xgboost data: weights of CSV stand behind the label when they are asked for", "[algos][xgboost]") {
  const Rows weighted = matrix_of("1,0.5,2\n0,2,3\n", {}, true);
  CHECK(weighted.matrix.columns() == 1);
  const auto weights = weighted.matrix.floats("weight");
  CHECK(std::vector<float>(weights.begin(), weights.end()) == std::vector<float>{0.5f, 2});
  CHECK_THAT(error_of([] { matrix_of("1,0.5,2\n0,-1,3\n", {}, true); }), Contains("the weight of the row is -1; expected 0 or more"));
}

TEST_CASE("xgboost data: channels are joined, sparse rows lack what is missing", "[algos][xgboost]") {
  const TemporaryFolder folder;
  const auto context = context_of(folder, {{"train", "1,2,3\n0,,5\n"}, {"validation", "1 0:7\n"}});
  Channels channels(*context, {"train", "validation"}, false);
  const Rows rows = channels.read(Library::open(), {.channels = {"train", "validation"}});
  CHECK(rows.rows == 3);
  const auto labels = rows.matrix.floats("label");
  CHECK(std::vector<float>(labels.begin(), labels.end()) == std::vector<float>{1, 0, 1});
  std::vector<float> values{2, 3, NAN, 5, 7, NAN};
  DMatrix expected = DMatrix::dense(Library::open(), values, 2, 1);
  expected.set_floats("label", labels);
  CHECK((model_of(rows.matrix, "exact", 1) == model_of(expected, "exact", 1)));
}

}  // namespace
}  // namespace smtrain::xgboost
