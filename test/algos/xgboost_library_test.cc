#include "algos/xgboost/library.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "algos/xgboost/booster.h"
#include "algos/xgboost/matrix.h"

namespace smtrain::xgboost {
namespace {

using Catch::Contains;

// Rows (n, 3) with a hole, and a label that one split finds.
DMatrix small_matrix(const Library& library) {
  std::vector<float> values, labels;
  for (int i = 0; i < 40; ++i) {
    values.insert(values.end(), {static_cast<float>(i), static_cast<float>(i % 7), std::numeric_limits<float>::quiet_NaN()});
    labels.push_back(i < 20 ? 0.0f : 1.0f);
  }
  DMatrix matrix = DMatrix::dense(library, values, 3, 1);
  matrix.set_floats("label", labels);
  return matrix;
}

TEST_CASE("xgboost: the library tells who it is") {
  const Library& library = Library::open();
  CHECK(library.version() >= Version{1, 7, 0});
  CHECK_THAT(library.file(), Contains("libxgboost"));
  CHECK(&library == &Library::open());
}

TEST_CASE("xgboost: the engine's errors are told without time, place and stack") {
  CHECK(plain_words("[10:32:01] ../src/objective/regression_obj.cu:107: label must be in [0,1] for logistic regression\nStack trace:\n  [bt] 0x1") ==
        "label must be in [0,1] for logistic regression");
  CHECK(plain_words("[10:32:01] WARNING: ../src/learner.cc:767: \nParameters: { \"x\" } are not used.\n") == "Parameters: { \"x\" } are not used.");
  CHECK(plain_words("std::bad_alloc") == "std::bad_alloc");
  CHECK(plain_words("Invalid value: 3") == "Invalid value: 3");
}

TEST_CASE("xgboost: names of unused parameters are read from the warning") {
  CHECK(unused_parameters("WARNING: ../src/learner.cc:767: \nParameters: { \"etaa\", \"max_dept\" } are not used.") ==
        std::vector<std::string>{"etaa", "max_dept"});
  CHECK(unused_parameters("WARNING: the tree method is chosen").empty());
}

TEST_CASE("xgboost: a parameter that nothing uses is told by name, whatever the verbosity") {
  const Library& library = Library::open();
  const DMatrix train = small_matrix(library);
  const DMatrix* const all[] = {&train};
  for (const char* verbosity : {"0", "1", "3"}) {
    Booster booster(library, all);
    CHECK(booster.configure({{"verbosity", verbosity}, {"eta", "0.5"}, {"etaa", "0.5"}}) == std::vector<std::string>{"etaa"});
    Booster good(library, all);
    CHECK(good.configure({{"verbosity", verbosity}, {"eta", "0.5"}}).empty());
  }
}

TEST_CASE("xgboost: a booster learns, tells its loss, and answers alike after a trip through bytes") {
  const Library& library = Library::open();
  const DMatrix train = small_matrix(library);
  CHECK(train.rows() == 40);
  CHECK(train.columns() == 3);
  const DMatrix* const all[] = {&train};
  const std::string names[] = {"train"};
  Booster booster(library, all);
  booster.configure({{"objective", "binary:logistic"}, {"nthread", "1"}, {"seed", "0"}});
  for (int round = 0; round < 3; ++round) booster.update(round, train);
  CHECK_THAT(booster.evaluate(2, all, names), Catch::StartsWith("[2]\ttrain-logloss:0."));
  CHECK(booster.rounds() == 3);
  CHECK(booster.features() == 3);
  const Scores scores = booster.predict(train);
  const std::vector<float> before(scores.values.begin(), scores.values.end());
  CHECK(before.front() < 0.5f);
  CHECK(before.back() > 0.5f);
  Booster again(library);
  again.load(booster.save("ubj"));
  const Scores same = again.predict(train);
  CHECK(std::equal(before.begin(), before.end(), same.values.begin(), same.values.end()));
  CHECK(booster.first_rounds(2).rounds() == 2);
  const FeatureScores importance = booster.feature_scores("weight");
  CHECK(importance.features == std::vector<std::string>{"f0"});
}

TEST_CASE("xgboost: bytes that are no model are the user's fault, in the engine's words") {
  Booster booster(Library::open());
  try {
    booster.load("no model at all");
    FAIL("loaded");
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::user);
    CHECK_THAT(e.what(), Catch::StartsWith("XGBoost: ") && !Contains("Stack trace") && !Contains(".cc:"));
  }
}

TEST_CASE("xgboost: rows can be taken out of a matrix in any order") {
  const Library& library = Library::open();
  const DMatrix train = small_matrix(library);
  const int rows[] = {39, 0, 20};
  const DMatrix part = train.slice(rows);
  const auto labels = part.floats("label");
  CHECK(std::vector<float>(labels.begin(), labels.end()) == std::vector<float>{1, 0, 1});
}

}  // namespace
}  // namespace smtrain::xgboost
