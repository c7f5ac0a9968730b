#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

#include "algos/xgboost/artifact.h"
#include "algos/xgboost/model_check.h"
#include "base/error.h"

namespace smtrain::xgboost {
namespace {

using Catch::Contains;

unsigned seed() {
  static const unsigned value = [] {
    const char* text = std::getenv("SMTRAIN_TEST_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : std::random_device{}();
  }();
  return value;
}

struct Made {
  Booster booster;
  DMatrix rows;
};

Made make(const std::string& kind, const std::string& objective = "binary:logistic") {
  const Library& library = Library::open();
  std::vector<float> values, labels;
  std::mt19937 engine(5);
  for (int i = 0; i < 120; ++i) {
    for (int j = 0; j < 3; ++j) values.push_back(static_cast<float>(engine() % 100));
    labels.push_back(values[values.size() - 3] > 50 ? 1.0f : 0.0f);
  }
  Made made{{}, DMatrix::dense(library, values, 3, 1)};
  made.rows.set_floats("label", labels);
  const DMatrix* const all[] = {&made.rows};
  Booster booster(library, all);
  Parameters parameters{{"booster", kind}, {"objective", objective}, {"nthread", "1"}};
  if (kind == "gblinear") parameters.emplace_back("updater", "coord_descent");
  if (objective.starts_with("multi")) parameters.emplace_back("num_class", "2");
  booster.configure(parameters);
  for (int round = 0; round < 3; ++round) booster.update(round, made.rows);
  made.booster = std::move(booster);
  return made;
}

TEST_CASE("xgboost: whole models pass, in every form, of every booster") {
  for (const char* kind : {"gbtree", "dart", "gblinear"}) {
    for (const char* objective : {"binary:logistic", "multi:softprob", "reg:squarederror"}) {
      const Made made = make(kind, objective);
      for (const char* form : {"ubj", "json", "deprecated"}) {
        CAPTURE(kind, objective, form);
        CHECK_NOTHROW(check_model(made.booster.save(form), "xgboost-model"));
      }
    }
  }
}

TEST_CASE("xgboost: damage is named before the engine meets it") {
  const Made made = make("gbtree");
  const std::string json = made.booster.save("json");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = json;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  CHECK_THROWS_WITH(check_model(changed("\"left_children\":[1", "\"left_children\":[900"), "m"), Contains("m: is no whole model of XGBoost: tree 0: a node leads to node 900"));
  CHECK_THROWS_WITH(check_model(changed("\"left_children\":[1", "\"left_children\":[0"), "m"), Contains("two ways lead to node 0"));
  CHECK_THROWS_WITH(check_model(changed("\"split_indices\":[0", "\"split_indices\":[77"), "m"), Contains("splits feature 77 of 3"));
  CHECK_THROWS_WITH(check_model(changed("\"tree_info\":[0", "\"tree_info\":[4"), "m"), Contains("class 4 of 1"));
  CHECK_THROWS_WITH(check_model(changed("\"num_trees\":\"3\"", "\"num_trees\":\"9\""), "m"), Contains("9 trees, and a list of 3"));
  CHECK_THROWS_WITH(check_model(changed("\"num_parallel_tree\":\"1\"", "\"num_parallel_tree\":\"0\""), "m"), Contains("no tree makes a round"));
  CHECK_THROWS_WITH(check_model(json.substr(0, json.size() / 2), "m"), Contains("ends too early, or is garbled"));
  CHECK_THROWS_WITH(check_model("1,2,3", "m"), Contains("those of no model"));
}

// A model may be damaged so that it still is one; then it must answer.
TEST_CASE("xgboost: damaged models never bring the engine down") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  int passed = 0;
  for (const char* kind : {"gbtree", "dart", "gblinear"}) {
    const Made made = make(kind);
    for (const char* form : {"ubj", "json", "deprecated"}) {
      const std::string whole = made.booster.save(form);
      for (int i = 0; i < 150; ++i) {
        std::string bytes = whole;
        for (unsigned n = 1 + random() % 3; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
        if (random() % 8 == 0) bytes.resize(random() % bytes.size());
        try {
          check_model(bytes, "damaged");
          const Booster loaded = load_booster(Library::open(), bytes, "damaged");
          if (loaded.features() == 3) (void)loaded.predict(made.rows);
          ++passed;
        } catch (const Error& e) {
          CAPTURE(e.what(), kind, form);
          CHECK(e.fault() == Fault::user);
        }
      }
    }
  }
  CHECK(passed > 0);
}

TEST_CASE("xgboost: importance is a row per feature") {
  const job::Coefficients trees = importance_of(make("gbtree").booster);
  CHECK(trees.columns == std::vector<std::string>{"weight", "gain", "cover", "total_gain", "total_cover"});
  CHECK(trees.matrix.shape == std::vector<std::uint64_t>{3, 5});
  const std::vector<float> values = trees.matrix.as_f32();
  CHECK(values[0] * values[1] == Approx(values[3]));
  CHECK(values[3] > values[8]);
  const job::Coefficients weights = importance_of(make("gblinear", "multi:softprob").booster);
  CHECK(weights.columns == std::vector<std::string>{"weight_0", "weight_1"});
  CHECK(weights.matrix.shape == std::vector<std::uint64_t>{3, 2});
}

}  // namespace
}  // namespace smtrain::xgboost
