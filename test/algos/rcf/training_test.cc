#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "algos/rcf/predictor.h"
#include "algos/rcf/rcf.h"
#include "algos/rcf/reservoir.h"
#include "algos/rcf/shingle.h"
#include "algos/rcf/test_scores.h"
#include "algos/test_context.h"
#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "formats/archive/zip.h"

namespace smtrain::rcf {
namespace {

using smtrain::test::TemporaryFolder;
using smtrain::test::TestContext;
using Hyperparameters = std::map<std::string, std::string>;

std::string csv(std::size_t n, std::size_t d, unsigned seed, bool labels = false) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    if (labels) text += i % 25 == 0 ? "1," : "0,";
    for (std::size_t j = 0; j < d; ++j) text += (j > 0 ? "," : "") + format_number(normal(random) + (labels && i % 25 == 0 ? 6 : 0));
    text += "\n";
  }
  return text;
}

std::unique_ptr<RcfPredictor> train_on(TestContext& context, const Hyperparameters& values) {
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  NullLog log;
  job::Settings settings = job::resolve(algorithm().description().hyperparameters, given, log);
  std::unique_ptr<job::Predictor> predictor = algorithm().train(context, settings);
  return std::unique_ptr<RcfPredictor>(dynamic_cast<RcfPredictor*>(predictor.release()));
}

job::Model saved(const job::Predictor& predictor) {
  job::Model model;
  predictor.save(model);
  return model;
}

std::string refusal(const std::function<void()>& what) {
  try {
    what();
  } catch (const Error& error) {
    CHECK(error.exit_code() == 2);
    return error.what();
  }
  return "nothing was refused";
}

RcfModel small_model() {
  RcfModel model;
  model.feature_dim = 2;
  model.shingle = 2;
  model.last_rows = {1, 2};
  model.num_samples_per_tree = 8;
  model.rows_seen = 41;
  model.seed = 7;
  model.stats = {1, 0.25};
  std::vector<float> points(41 * 4);
  std::mt19937 random(5);
  for (float& v : points) v = static_cast<float>(random() % 5);
  model.forest = build_forest(4, points, 6, 7, 1);
  return model;
}

// The artifact with some bytes of a member changed.
std::string changed(const RcfModel& model, const std::string& name, const std::function<void(std::string&)>& change) {
  std::map<std::string, std::string> members = formats::read_zip(write_artifact(model), "test", 1 << 20);
  REQUIRE(members.contains(name));
  change(members[name]);
  std::vector<std::pair<std::string, std::string_view>> views(members.begin(), members.end());
  return formats::write_zip(views);
}

template <class T>
std::function<void(std::string&)> put(std::size_t at, T value) {
  return [=](std::string& bytes) { std::memcpy(bytes.data() + 128 + at * sizeof(T), &value, sizeof value); };
}

std::function<void(std::string&)> words(const std::string& from, const std::string& to) {
  return [=](std::string& text) {
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
  };
}

}  // namespace

TEST_CASE("rcf: a model that was saved answers as before", "[algos][rcf]") {
  const TemporaryFolder folder;
  folder.write("x.csv", csv(3000, 5, 1));
  TestContext context({{"train", folder / "x.csv"}});
  const auto model = train_on(context, {{"num_trees", "50"}, {"num_samples_per_tree", "40"}});
  const auto loaded = algorithm().load(saved(*model));
  CHECK(saved(*loaded).files == saved(*model).files);
  CHECK(algorithm().recognises(saved(*model)));
  formats::Prediction a, b;
  auto stream = context.open_table("train", {3000, 1, 5});
  formats::Batch batch;
  REQUIRE(stream->next(batch));
  const auto ask = [&](const job::Predictor& of, formats::Prediction& out) {
    const auto scratch = of.make_scratch(context.backend());
    of.predict(context.backend(), batch, {}, *scratch, out);
  };
  ask(*model, a);
  ask(*loaded, b);
  REQUIRE(a.columns.size() == 1);
  CHECK(a.columns[0].name == "score");
  CHECK(a.columns[0].values == b.columns[0].values);
  double mean = 0;
  for (const float s : a.columns[0].values) mean += static_cast<double>(s) / 3000;
  CHECK(mean == Approx(model->model().stats.mean).epsilon(0.05));
}

TEST_CASE("rcf: every safe point is one to go on from", "[algos][rcf]") {
  const TemporaryFolder folder;
  folder.write("x.csv", csv(9500, 3, 2));
  folder.write("t.csv", csv(4500, 3, 3, true));
  for (const std::string shingle : {"1", "4"}) {
    const Hyperparameters values{{"num_trees", "50"}, {"num_samples_per_tree", "30"}, {"shingle", shingle}};
    const auto context = [&] {
      auto made = std::make_unique<TestContext>(std::map<std::string, std::string>{{"train", folder / "x.csv"}});
      return made;
    };
    auto unbroken = context();
    const auto model = train_on(*unbroken, values);
    const std::string expected = saved(*model).files.at("model_algo-1");
    REQUIRE(unbroken->safe_points >= 4);
    for (int at = 1; at <= unbroken->safe_points; ++at) {
      auto stopped = context();
      stopped->save_at = at;
      REQUIRE_THROWS_AS(train_on(*stopped, values), Error);
      auto resumed = context();
      resumed->resume = stopped->saved;
      CAPTURE(at, shingle);
      CHECK(saved(*train_on(*resumed, values)).files.at("model_algo-1") == expected);
    }
  }
}

TEST_CASE("rcf: damaged models are refused with the member", "[algos][rcf]") {
  const RcfModel model = small_model();
  const std::string whole = write_artifact(model);
  CHECK(write_artifact(read_artifact(whole)) == whole);
  const auto nodes = static_cast<std::int32_t>(model.forest.trees[0].nodes());
  REQUIRE(nodes > 3);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::tuple<std::string, std::function<void(std::string&)>, std::string>> damages{
      {"forest.json", words("{", "["), "is not a JSON object"},
      {"forest.json", words("\"format_version\": 1", "\"format_version\": 2"), "format version 2"},
      {"forest.json", words("\"num_trees\": 6", "\"num_trees\": 7"), "tree_offset"},
      {"forest.json", words("\"num_trees\": 6", "\"num_trees\": -6"), "num_trees"},
      {"forest.json", words("\"num_trees\": 6", "\"num_trees\": 99999999999"), "num_trees"},
      {"forest.json", words("\"shingle\": 2", "\"shingle\": 3"), "points"},
      {"forest.json", words("\"total_rows_seen\": 41", "\"total_rows_seen\": 40"), "points"},
      {"forest.json", words("\"num_samples_per_tree\": 8", "\"num_samples_per_tree\": 6"), "points"},
      {"forest.json", words("\"train_score_mean\": 1.0", "\"train_score_mean\": \"1\""), "train_score_mean"},
      {"tree_offset.npy", put<std::int64_t>(0, 1), "tree_offset"},
      {"tree_offset.npy", put<std::int64_t>(1, -1), "tree_offset"},
      {"tree_offset.npy", put<std::int64_t>(6, std::int64_t{1} << 40), "tree_offset"},
      {"tree_offset.npy", put<std::int64_t>(1, nodes + 2), ""},
      {"cut_dim.npy", put<std::int32_t>(0, 4), "cuts column 4 of 4"},
      {"cut_dim.npy", put<std::int32_t>(0, -2), "cut_dim"},
      {"cut_dim.npy", put<std::int32_t>(0, -1), ""},
      {"cut_value.npy", put<float>(0, nan), "not finite"},
      {"cut_value.npy", put<float>(0, 100.0f), ""},
      {"right_child.npy", put<std::int32_t>(0, 0), "right_child"},
      {"right_child.npy", put<std::int32_t>(0, nodes + 1), "right_child"},
      {"right_child.npy", put<std::int32_t>(0, -5), "right_child"},
      {"mass.npy", put<std::int32_t>(0, 5), "mass"},
      {"mass.npy", put<std::int32_t>(1, -1), "mass"},
      {"point.npy", put<std::int32_t>(0, 3), "point"},
      {"point.npy", put<std::int32_t>(static_cast<std::size_t>(nodes) - 1, 41), "point"},
      {"point.npy", put<std::int32_t>(static_cast<std::size_t>(nodes) - 1, 20), ""},
      {"points.npy", put<float>(3, nan), "not finite"},
      {"points.npy", [](std::string& s) { s.resize(s.size() - 4); }, "bytes of numbers"},
      {"points.npy", [](std::string& s) { s.resize(60); }, "ends within its header"},
      {"points.npy", words("<f4", "<f8"), "expected <f4"},
      {"points.npy", words("(41, 4)", "(40, 4)"), ""},
      {"points.npy", words("False", "True "), "C order"},
      {"tree.npy", put<std::int32_t>(0, 6), "is in tree 6 of 6"},
      {"tree.npy", put<std::int32_t>(0, 1), ""},
      {"tree.npy", put<std::int32_t>(40, 0), ""},
      {"last_rows.npy", put<float>(0, nan), "not finite"}};
  for (const auto& [member, change, says] : damages) {
    CAPTURE(member, says);
    const std::string bytes = changed(model, member, change);
    const std::string said = refusal([&] { read_artifact(bytes); });
    CHECK(said.find("model_algo-1") != std::string::npos);
    CHECK(said.find(says) != std::string::npos);
  }
  for (std::size_t length = 0; length < whole.size(); length += 61) CHECK_THROWS_AS(read_artifact(std::string_view(whole).substr(0, length)), Error);
}

TEST_CASE("rcf: bytes of a model changed at random are refused or read as a whole forest", "[algos][rcf]") {
  const RcfModel model = small_model();
  std::mt19937 random(11);
  int refused = 0;
  const std::vector<float> query{1, 2, 3, 4};
  for (int round = 0; round < 3000; ++round) {
    const std::vector<std::string> names{"cut_dim.npy", "right_child.npy", "mass.npy", "point.npy", "tree.npy", "tree_offset.npy", "points.npy", "cut_value.npy"};
    const std::string bytes = changed(model, names[random() % names.size()], [&](std::string& s) {
      s[128 + random() % (s.size() - 128)] = static_cast<char>(random() % 2 == 0 ? random() : random() % 4);
    });
    try {
      const RcfModel read = read_artifact(bytes);
      float score = 0;
      Scorer(read.forest).score(query.data(), 1, 4, 1, &score);
      CHECK(std::isfinite(score));
    } catch (const Error& error) {
      CHECK(error.exit_code() == 2);
      ++refused;
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("rcf: the service's own file is told apart", "[algos][rcf]") {
  job::Model model;
  model.files["model_algo-1"] = "not a zip";
  CHECK_FALSE(algorithm().recognises(model));
  CHECK(refusal([&] { algorithm().load(model); }).find("not public") != std::string::npos);
}

TEST_CASE("rcf: each row has the slot that a stream from the beginning would give it", "[algos][rcf]") {
  SlotDraw draw(3, 10), late(3, 10);
  std::vector<int> hits(10);
  int entered = 0;
  for (std::uint64_t row = 0; row < 20000; ++row) {
    const std::uint64_t slot = draw(row);
    CHECK(slot <= row);
    if (row < 10) CHECK(slot == row);
    if (row % 997 == 0) CHECK(late(row) == slot);
    if (slot < 10 && row >= 10000) {
      ++entered;
      ++hits[slot];
    }
  }
  CHECK(entered < 30);  // 10 ln 2 = 7 are expected
}

TEST_CASE("rcf: shingles of batches of any size are those of the series", "[algos][rcf]") {
  const std::size_t d = 2, w = 5, n = 57;
  std::vector<float> series(n * d), labels(n);
  for (std::size_t i = 0; i < n * d; ++i) series[i] = static_cast<float>(i);
  for (std::size_t i = 0; i < n; ++i) labels[i] = static_cast<float>(i);
  std::mt19937 random(3);
  Shingler shingler(d, w);
  std::size_t next = 0;
  for (std::size_t first = 0; first < n;) {
    formats::Batch batch;
    batch.rows = std::min<std::size_t>(1 + random() % 7, n - first);
    batch.cols = batch.ld = d;
    batch.dense = series.data() + first * d;
    batch.labels = labels.data() + first;
    batch.label_width = 1;
    first += batch.rows;
    const formats::Batch out = shingler(batch);
    for (std::size_t i = 0; i < out.rows; ++i, ++next) {
      CHECK(std::equal(out.dense + i * out.ld, out.dense + i * out.ld + w * d, series.begin() + static_cast<std::ptrdiff_t>(next * d)));
      CHECK(out.labels[i] == static_cast<float>(next + w - 1));
    }
  }
  CHECK(next == n - w + 1);
  CHECK(shingler.last() == std::vector<float>(series.end() - static_cast<std::ptrdiff_t>((w - 1) * d), series.end()));
}

TEST_CASE("rcf: the cut is at the mean and 3 population deviations, and what equals it is below", "[algos][rcf]") {
  TestScores scores;
  for (const auto& [score, anomaly] : std::vector<std::pair<float, bool>>{{1, false}, {1, true}, {3, true}, {3, false}, {2, false}, {8, true}}) scores.add(score, anomaly);
  const auto workers = dist::make_single_process();
  const ScoreStats stats = scores.stats(*workers);
  CHECK(stats.mean == Approx(3));
  CHECK(stats.deviation == Approx(std::sqrt((4 + 4 + 0 + 0 + 1 + 25) / 6.0)));
  const Confusion found = scores.judge(2, *workers);
  CHECK(found.true_positive == 2);
  CHECK(found.false_positive == 1);
  CHECK(found.true_negative == 2);
  CHECK(found.false_negative == 1);
  CHECK(found.precision() == Approx(2.0 / 3));
  CHECK(found.negative().precision() == Approx(2.0 / 3));
  CHECK(found.negative().recall() == Approx(2.0 / 3));
  CHECK(Confusion{}.f1() == 0);
}

}  // namespace smtrain::rcf
