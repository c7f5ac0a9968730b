#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include "algos/rcf/live_tree.h"
#include "algos/rcf/plain_forest.h"
#include "algos/rcf/score.h"
#include "algos/rcf/updater.h"

namespace smtrain::rcf {
namespace {

unsigned seed() {
  static const unsigned value = [] {
    const char* text = std::getenv("SMTRAIN_TEST_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : std::random_device{}();
  }();
  return value;
}

std::vector<float> points(std::size_t n, std::size_t d, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(n * d);
  for (float& v : x) v = std::round(3 * normal(random)) / (d == 1 ? 1.0f : 2.0f);  // copies are frequent
  return x;
}

// A tree of a forest whose boxes, masses and scores are looked at as those of a forest that was built.
void check(const LiveTree& live, const Forest& points, const std::vector<std::int32_t>& rows, std::mt19937& random) {
  Forest forest;
  forest.d = points.d;
  forest.points = points.points;
  forest.tree_of.assign(points.rows(), -1);
  for (const std::int32_t r : rows) forest.tree_of[static_cast<std::size_t>(r)] = 0;
  forest.trees.push_back(live.tree(forest.points.data(), rows));
  const test::PlainNode root = test::plain(forest.trees[0], 0, test::points_of(forest, 0));
  std::size_t next = 0;
  const auto visit = [&](const auto& self, const test::PlainNode& node) -> void {
    const std::size_t i = next++;
    REQUIRE(i < forest.trees[0].nodes());
    REQUIRE_FALSE(node.points.empty());
    REQUIRE(forest.trees[0].mass[i] == static_cast<std::int32_t>(node.points.size()));
    if (node.children.empty()) {
      for (const test::Point& p : node.points) REQUIRE(p == node.points[0]);
      return;
    }
    const auto j = static_cast<std::size_t>(node.dim);
    REQUIRE(node.low(j) <= node.cut);
    REQUIRE(node.cut < node.high(j));
    self(self, node.children[0]);
    REQUIRE(forest.trees[0].right_child[i] == static_cast<std::int32_t>(next));
    self(self, node.children[1]);
  };
  visit(visit, root);
  REQUIRE(next == forest.trees[0].nodes());
  LiveTree copy = live;
  for (int k = 0; k < 3; ++k) {
    const std::vector<float> q = rcf::points(1, points.d, random);
    Explanation said;
    said.attribution.resize(points.d);
    copy.explain(q.data(), 1, said);
    const test::Said expected = test::ask({root}, test::Point(q.begin(), q.end()));
    REQUIRE(said.score == Approx(expected.s).epsilon(1e-12));
    REQUIRE(said.depth == expected.depth);
    for (std::size_t j = 0; j < points.d; ++j) REQUIRE(said.attribution[j] == Approx(expected.shares[j]).margin(1e-12));
  }
}

RcfModel model_of(std::size_t d, const std::vector<float>& points, std::size_t trees, std::uint64_t samples, std::uint64_t of_seed) {
  RcfModel model;
  model.feature_dim = d;
  model.num_samples_per_tree = samples;
  model.rows_seen = points.size() / d;
  model.seed = of_seed;
  model.forest = build_forest(d, points, trees, of_seed, 2);
  return model;
}

formats::Batch batch_of(const std::vector<float>& x, std::size_t d, std::size_t first, std::size_t count) {
  formats::Batch batch;
  batch.rows = count;
  batch.cols = batch.ld = d;
  batch.dense = x.data() + first * d;
  return batch;
}

// Answers and the model after them; `at_once` rows a batch.
std::vector<float> updated(const RcfModel& model, const std::vector<float>& x, std::size_t at_once, int threads, RcfModel& after,
                           const job::AnswerRequest& wanted = {}) {
  const auto backend = compute::make_cpu_backend(threads);
  RcfUpdater updater(model);
  std::vector<float> scores;
  const std::size_t d = model.feature_dim, rows = x.size() / d;
  formats::Prediction out;
  for (std::size_t first = 0; first < rows; first += at_once) {
    updater.update(*backend, batch_of(x, d, first, std::min(at_once, rows - first)), wanted, out);
    scores.insert(scores.end(), out.columns[0].values.begin(), out.columns[0].values.end());
  }
  const auto predictor = updater.finish(*backend);
  after = dynamic_cast<const RcfPredictor&>(*predictor).model();
  return scores;
}

double mean_score(const Forest& forest, const std::vector<float>& queries) {
  const std::size_t rows = queries.size() / forest.d;
  std::vector<float> scores(rows);
  Scorer(forest).score(queries.data(), rows, forest.d, 2, scores.data());
  double mean = 0;
  for (const float s : scores) mean += static_cast<double>(s) / static_cast<double>(rows);
  return mean;
}

}  // namespace

TEST_CASE("rcf: points that come and go leave a tree whole", "[algos][rcf]") {
  std::mt19937 random(seed());
  for (int round = 0; round < 12; ++round) {
    const std::size_t d = 1 + random() % 11, n = 2 + random() % 60;
    INFO("seed=" << seed() << " round=" << round << " d=" << d << " n=" << n);
    Forest forest = build_forest(d, points(n + 300, d, random), 1, random(), 1);
    std::vector<std::int32_t> in, out;
    for (std::size_t r = 0; r < n + 300; ++r) (r < n ? in : out).push_back(static_cast<std::int32_t>(r));
    forest.trees[0] = build_tree(forest.points.data(), d, in, tree_random(1, 0));
    LiveTree live(forest, 0);
    RandomStream draws(random(), "test");
    for (int step = 0; step < 200; ++step) {
      const bool grows = in.size() == 1 || (random() % 2 == 0 && !out.empty());
      std::vector<std::int32_t>&from = grows ? out : in, &to = grows ? in : out;
      const std::size_t at = random() % from.size();
      const float* x = forest.row(static_cast<std::size_t>(from[at]));
      if (grows) live.insert(x, draws);
      else live.remove(x);
      to.push_back(from[at]);
      from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
      REQUIRE(live.mass() == in.size());
      if (step % 20 == 0) check(live, forest, in, random);
    }
    check(live, forest, in, random);
    while (in.size() > 1) {
      live.remove(forest.row(static_cast<std::size_t>(in.back())));
      in.pop_back();
    }
    check(live, forest, in, random);
    live.remove(forest.row(static_cast<std::size_t>(in[0])));
    CHECK(live.mass() == 0);
    live.insert(forest.row(static_cast<std::size_t>(in[0])), draws);
    check(live, forest, in, random);
  }
}

// The law of the first cut and of depths after insertions one by one is that of trees that are built.
TEST_CASE("rcf: trees of inserted points are as those that are built", "[algos][rcf]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::size_t d = 2, n = 24;
  const std::vector<float> x = [&] {
    std::normal_distribution<float> normal;
    std::vector<float> all(n * d);
    for (std::size_t i = 0; i < n * d; ++i) all[i] = normal(random) * (i % 2 == 0 ? 3.0f : 1.0f);
    return all;
  }();
  std::vector<std::int32_t> rows(n);
  for (std::size_t i = 0; i < n; ++i) rows[i] = static_cast<std::int32_t>(i);
  constexpr int kTrees = 3000;
  double cuts[2] = {}, depths[2] = {}, squares[2] = {}, halves[2] = {};
  for (int t = 0; t < kTrees; ++t) {
    Forest forest{d, x, std::vector<std::int32_t>(n, 0), {build_tree(x.data(), d, rows, tree_random(seed(), static_cast<std::size_t>(t)))}};
    Forest first = forest;
    first.trees[0] = build_tree(x.data(), d, std::span(rows).first(1), tree_random(1, 0));
    LiveTree live(first, 0);
    RandomStream draws(seed(), "live." + std::to_string(t));
    for (std::size_t i = 1; i < n; ++i) live.insert(x.data() + i * d, draws);
    // Half of the points leave and come again.
    for (std::size_t i = 0; i < n; i += 2) live.remove(x.data() + i * d);
    for (std::size_t i = 0; i < n; i += 2) live.insert(x.data() + i * d, draws);
    const Tree trees[] = {forest.trees[0], live.tree(x.data(), rows)};
    for (int which = 0; which < 2; ++which) {
      cuts[which] += trees[which].cut_dim[0] == 0;
      halves[which] += trees[which].mass[1] <= static_cast<std::int32_t>(n / 2);
      const auto depth = static_cast<double>(depth_of(trees[which]));
      depths[which] += depth / kTrees;
      squares[which] += depth * depth / kTrees;
    }
  }
  const double deviation = std::sqrt(squares[0] - depths[0] * depths[0]) / std::sqrt(static_cast<double>(kTrees));
  CHECK(std::abs(depths[0] - depths[1]) < 7 * deviation);  // 5 deviations of a difference
  CHECK(std::abs(cuts[0] - cuts[1]) < 5 * std::sqrt(kTrees / 2.0));
  CHECK(std::abs(halves[0] - halves[1]) < 5 * std::sqrt(kTrees / 2.0));
}

TEST_CASE("rcf: rows are scored before they are learnt from", "[algos][rcf]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::size_t d = 3;
  const RcfModel model = model_of(d, points(500, d, random), 10, 50, 4);
  const std::vector<float> x = points(40, d, random);
  RcfModel after;
  const std::vector<float> scores = updated(model, x, 40, 2, after);
  float first = 0;
  const Scorer scorer(model.forest);
  scorer.score(x.data(), 1, d, 1, &first);
  CHECK(scores[0] == Approx(first).epsilon(1e-6));
  CHECK(after.rows_seen == 540);
  CHECK(after.forest.rows() == 500);
}

TEST_CASE("rcf: updates have the same bytes for any batches, threads, and runs of them", "[algos][rcf]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::size_t d = 4;
  for (const std::size_t before : {std::size_t{730}, std::size_t{2000}}) {  // a sample that is still filled up, and a full one
    const std::size_t held = std::min<std::size_t>(before, 1000);
    RcfModel model = model_of(d, points(held, d, random), 10, 100, 4);
    model.rows_seen = before;
    const std::vector<float> x = points(1500, d, random);
    RcfModel one, other, half, whole;
    const std::vector<float> scores = updated(model, x, 1500, 1, one);
    CHECK(updated(model, x, 37, 3, other) == scores);
    CHECK(write_artifact(other) == write_artifact(one));
    const std::vector<float> a(x.begin(), x.begin() + 600 * static_cast<std::ptrdiff_t>(d)), b(x.begin() + 600 * static_cast<std::ptrdiff_t>(d), x.end());
    updated(model, a, 100, 2, half);
    updated(read_artifact(write_artifact(half)), b, 100, 2, whole);
    CHECK(one.rows_seen == before + 1500);
    CHECK(one.forest.rows() == 1000);
    CHECK(write_artifact(whole) == write_artifact(one));
    CHECK(one.forest.points != model.forest.points);
  }
}

TEST_CASE("rcf: after many updates scores are those of a forest built from the same rows", "[algos][rcf]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::size_t d = 3;
  std::normal_distribution<float> normal;
  const auto draw = [&](std::size_t n, float shift) {
    std::vector<float> x(n * d);
    for (float& v : x) v = normal(random) + shift;
    return x;
  };
  // The stream moves: the old forest finds its new rows odd. The ratio of two forests of the same points varies by 0.021.
  constexpr int kRounds = 8;
  double ratio = 0;
  RcfModel model, after;
  std::vector<float> queries;
  for (int round = 0; round < kRounds; ++round) {
    model = model_of(d, draw(2000, 0), 40, 50, random());
    queries = draw(300, 4);
    updated(model, draw(30000, 4), 8192, 2, after);
    const double anew = mean_score(build_forest(d, after.forest.points, 40, random(), 2), queries);
    ratio += mean_score(after.forest, queries) / anew / kRounds;
    CHECK(mean_score(model.forest, queries) > 1.5 * anew);
  }
  CHECK(ratio == Approx(1).margin(5 * 0.021 / std::sqrt(static_cast<double>(kRounds))));
  // What is wanted by name comes in a moving forest, too.
  RcfModel again;
  job::AnswerRequest wanted;
  wanted.columns = {"attribution", "depth", "score", "predicted_anomaly"};
  const std::vector<float> shares = updated(model, queries, 50, 2, again, wanted);
  CHECK(shares.size() == queries.size());
}

}  // namespace smtrain::rcf
