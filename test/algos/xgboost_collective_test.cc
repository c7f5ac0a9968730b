#include "algos/xgboost/collective.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "algos/xgboost/booster.h"
#include "dist/thread_transport.h"

namespace smtrain::xgboost {
namespace {

using Catch::Matchers::Contains;

// Rows rank, rank + size, ... of a table with few values in each column, so that all ranks' bins are those of one.
DMatrix share_of_rows(int rank, int size, std::size_t rows = 600, bool holes = true) {
  std::vector<float> values, labels;
  values.reserve(3);  // the engine wants an address, even of nothing
  labels.reserve(1);
  for (std::size_t i = 0; i < rows; ++i) {
    if (static_cast<int>(i % static_cast<std::size_t>(size)) != rank) continue;
    const auto a = static_cast<float>(i * 7 % 31), b = static_cast<float>(i * 5 % 17);
    values.insert(values.end(), {a, holes && i % 11 == 0 ? NAN : b, static_cast<float>(i % 3)});
    labels.push_back(a + b > 22 ? 1.0f : 0.0f);
  }
  DMatrix matrix = DMatrix::dense(Library::open(), values, 3, 1);
  if (!labels.empty()) matrix.set_floats("label", labels);
  return matrix;
}

// What each rank throws when they do this together.
std::vector<std::string> together(int size, const std::function<void(int rank)>& work) {
  std::vector<std::string> said(static_cast<std::size_t>(size));
  test::on_ranks(size, [&](dist::Group& workers) {
    try {
      Collective collective(Library::open(), workers);
      collective.together([&] { work(workers.rank()); });
      collective.finish();
    } catch (const Error& e) {
      workers.fail({e.fault(), 0, e.problems()});
      said[static_cast<std::size_t>(workers.rank())] = e.what();
    }
  });
  return said;
}

std::string model_of(const DMatrix& matrix, const char* method) {
  const DMatrix* const all[] = {&matrix};
  Booster booster(Library::open(), all);
  booster.configure({{"objective", "binary:logistic"}, {"tree_method", method}, {"max_depth", "3"}, {"nthread", "1"}, {"base_score", "0.5"}});
  for (int round = 0; round < 5; ++round) booster.update(round, matrix);
  return booster.save("ubj");
}

std::vector<float> predicted(const std::string& model) {
  Booster booster(Library::open());
  booster.load(model);
  const auto values = booster.predict(share_of_rows(0, 1)).values;
  return {values.begin(), values.end()};
}

TEST_CASE("xgboost collective: ranks train the model of one", "[algos][xgboost]") {
  for (const char* const method : {"hist", "approx"}) {
    CAPTURE(method);
    const std::vector<float> expected = predicted(model_of(share_of_rows(0, 1), method));
    std::vector<std::string> models(3), again(3);
    for (std::vector<std::string>* run : {&models, &again}) {
      const auto said = together(3, [&](int rank) { (*run)[static_cast<std::size_t>(rank)] = model_of(share_of_rows(rank, 3), method); });
      REQUIRE(said == std::vector<std::string>(3));
    }
    CHECK((models[0] == models[1] && models[0] == models[2]));
    CHECK((models == again));
    const std::vector<float> found = predicted(models[0]);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).margin(1e-6));
  }
}

// Without holes: Channels sees to it that the engine of 1.7 does not wait for ever where some ranks have holes and others none.
TEST_CASE("xgboost collective: a rank without rows takes part", "[algos][xgboost]") {
  std::vector<std::string> models(2);
  const auto said = together(2, [&](int rank) { models[static_cast<std::size_t>(rank)] = model_of(share_of_rows(0, 1, rank == 0 ? 600 : 0, false), "hist"); });
  REQUIRE(said == std::vector<std::string>(2));
  CHECK((models[0] == models[1]));
  const std::vector<float> found = predicted(models[0]), expected = predicted(model_of(share_of_rows(0, 1, 600, false), "hist"));
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).margin(1e-6));
}

// What every rank throws when rank 1 of three fails while the others wait for it in the engine.
std::vector<std::string> failures(const std::function<void()>& of_rank_1) {
  return together(3, [&](int rank) {
    if (rank == 1) of_rank_1();
    model_of(share_of_rows(rank, 3), "hist");
  });
}

TEST_CASE("xgboost collective: the others hear why a rank has failed, not that a link broke", "[algos][xgboost]") {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& said : failures([] { throw user_error("shard.csv:7: label 9"); })) CHECK_THAT(said, Contains("shard.csv:7: label 9"));
  // The engine's own refusal, which the other ranks' engines do not share.
  const std::vector<std::string> refused = failures([] {
    DMatrix bad = share_of_rows(1, 3);
    bad.set_floats("label", std::vector<float>(bad.rows(), 7.0f));
    model_of(bad, "hist");
  });
  for (const std::string& said : refused) CHECK_THAT(said, Contains("label must be in [0,1]"));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}

TEST_CASE("xgboost collective: one process needs none", "[algos][xgboost]") {
  const auto alone = dist::make_single_process();
  Collective collective(Library::open(), *alone);
  CHECK(collective.together([] { return 5; }) == 5);
  collective.finish();
}

}  // namespace
}  // namespace smtrain::xgboost
