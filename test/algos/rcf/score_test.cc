#include "algos/rcf/score.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "algos/rcf/forest.h"
#include "algos/rcf/plain_forest.h"
#include "algos/rcf/seen_scores.h"

namespace smtrain::rcf {
namespace {

unsigned seed() {
  static const unsigned value = [] {
    const char* text = std::getenv("SMTRAIN_TEST_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : std::random_device{}();
  }();
  return value;
}

// Points with copies, columns of one value, whole numbers and far outliers.
std::vector<float> points(std::size_t n, std::size_t d, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(n * d);
  const bool whole = random() % 2 == 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0 && random() % 4 == 0) {
      const std::size_t copied = random() % i;
      std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(copied * d), d, x.begin() + static_cast<std::ptrdiff_t>(i * d));
      continue;
    }
    for (std::size_t j = 0; j < d; ++j) {
      float v = normal(random) * (random() % 50 == 0 ? 100.0f : 1.0f);
      if (whole) v = std::round(v);
      x[i * d + j] = d > 2 && j % 5 == 1 ? 7.0f : v;
    }
  }
  return x;
}

void check_tree(const Forest& forest, std::size_t number) {
  const Tree& tree = forest.trees[number];
  const test::PlainNode root = test::plain(tree, 0, test::points_of(forest, number));
  std::size_t next = 0;
  const auto check = [&](const auto& self, const test::PlainNode& node) -> void {
    const std::size_t i = next++;
    REQUIRE(i < tree.nodes());
    REQUIRE_FALSE(node.points.empty());
    REQUIRE(tree.mass[i] == static_cast<std::int32_t>(node.points.size()));
    if (node.children.empty()) {
      for (const test::Point& p : node.points) REQUIRE(p == node.points[0]);
      const float* stands = forest.row(static_cast<std::size_t>(tree.point[i]));
      REQUIRE(std::equal(node.points[0].begin(), node.points[0].end(), stands));
      REQUIRE(forest.tree_of[static_cast<std::size_t>(tree.point[i])] == static_cast<std::int32_t>(number));
      return;
    }
    const auto j = static_cast<std::size_t>(node.dim);
    REQUIRE(node.low(j) <= node.cut);
    REQUIRE(node.cut < node.high(j));
    self(self, node.children[0]);
    REQUIRE(tree.right_child[i] == static_cast<std::int32_t>(next));
    self(self, node.children[1]);
  };
  check(check, root);
  REQUIRE(next == tree.nodes());
}

}  // namespace

TEST_CASE("rcf: trees part their points until identical ones are left", "[algos][rcf]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  for (int round = 0; round < 30; ++round) {
    const std::size_t d = 1 + random() % 12, trees = 1 + random() % 9, n = trees * (1 + random() % 60) + random() % trees;
    const Forest forest = build_forest(d, points(n, d, random), trees, random(), 2);
    REQUIRE(forest.trees.size() == trees);
    for (std::size_t t = 0; t < trees; ++t) {
      check_tree(forest, t);
      REQUIRE(forest.trees[t].mass[0] == static_cast<std::int32_t>(n / trees));
      REQUIRE(test::points_of(forest, t).size() == n / trees);
    }
    CHECK(forest.tree_of[0] == 0);
    CHECK(forest.tree_of[(n / trees) * trees - 1] == static_cast<std::int32_t>(trees - 1));
    for (std::size_t r = (n / trees) * trees; r < n; ++r) CHECK(forest.tree_of[r] == -1);
  }
}

TEST_CASE("rcf: scores of random shapes against a plain reading of the specification", "[algos][rcf]") {
  std::mt19937 random(seed());
  for (int round = 0; round < 40; ++round) {
    const std::size_t d = 1 + random() % (round % 4 == 0 ? 40 : 18), trees = 1 + random() % 7, n = trees * (1 + random() % 70);
    INFO("seed=" << seed() << " round=" << round << " d=" << d << " trees=" << trees << " n=" << n);
    const Forest forest = build_forest(d, points(n, d, random), trees, random(), 2);
    const Scorer scorer(forest);
    const std::vector<test::PlainNode> plain = test::plain(forest);
    std::vector<float> queries = points(23, d, random);
    queries.insert(queries.end(), forest.points.begin(), forest.points.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(n, 20) * d));
    const std::size_t rows = queries.size() / d;
    std::vector<float> scores(rows), again(rows);
    scorer.score(queries.data(), rows, d, 1, scores.data());
    for (std::size_t i = 0; i < rows; ++i) {
      const test::Point q(queries.begin() + static_cast<std::ptrdiff_t>(i * d), queries.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
      const test::Said said = test::ask(plain, q);
      CAPTURE(i);
      CHECK(static_cast<double>(scores[i]) == Approx(said.s).epsilon(1e-7));
      const Explanation explained = scorer.explain(queries.data() + i * d, true);
      CHECK(explained.score == Approx(said.s).epsilon(1e-12));
      CHECK(explained.depth == Approx(said.depth).epsilon(1e-12));
      double sum = 0;
      for (std::size_t j = 0; j < d; ++j) {
        CHECK(explained.attribution[j] == Approx(said.shares[j]).margin(1e-12));
        sum += explained.attribution[j];
      }
      CHECK(sum == Approx(explained.score).epsilon(1e-12));
      float alone = 0;
      scorer.score(queries.data() + i * d, 1, d, 3, &alone);
      CHECK(alone == scores[i]);
    }
    scorer.score(queries.data(), rows, d, 3, again.data());
    CHECK(again == scores);
  }
}

TEST_CASE("rcf: many rows and few, on any number of threads, get the same bytes", "[algos][rcf]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::size_t d = 9;
  const Forest forest = build_forest(d, points(50 * 64, d, random), 50, 3, 2);
  const Scorer scorer(forest);
  const std::vector<float> queries = points(5003, d, random);
  std::vector<float> expected(5003), scores(5003);
  scorer.score(queries.data(), 5003, d, 1, expected.data());
  for (const int threads : {2, 3, 5}) {
    for (const std::size_t rows : {std::size_t{5003}, std::size_t{120}, std::size_t{9}, std::size_t{1}}) {
      scores.assign(5003, 0);
      scorer.score(queries.data(), rows, d, threads, scores.data());
      CHECK(std::equal(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(rows), expected.begin()));
    }
  }
}

TEST_CASE("rcf: rows that came before get the score that they got", "[algos][rcf]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  for (const std::size_t d : {std::size_t{2}, std::size_t{19}, std::size_t{2500}}) {  // of the last there is room for 512
    const Forest forest = build_forest(d, points(10 * 16, d, random), 10, 3, 2);
    const Scorer scorer(forest);
    SeenScores seen(d);
    const std::vector<float> distinct = points(d == 2 ? 3000 : 900, d, random);
    for (int batch = 0; batch < 4; ++batch) {
      std::vector<float> rows;
      const std::size_t count = 1 + random() % 1500;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t from = random() % (distinct.size() / d) / (batch == 0 ? 50 : 1);
        rows.insert(rows.end(), distinct.begin() + static_cast<std::ptrdiff_t>(from * d), distinct.begin() + static_cast<std::ptrdiff_t>((from + 1) * d));
      }
      std::vector<float> expected(count), scores(count);
      scorer.score(rows.data(), count, d, 2, expected.data());
      seen.score(scorer, rows.data(), count, d, 2, scores.data());
      REQUIRE(scores == expected);
    }
  }
}

TEST_CASE("rcf: a tree of one leaf scores a half for its point and the most for others", "[algos][rcf]") {
  const Forest forest = build_forest(2, {3, 4, 3, 4, 3, 4, 3, 4}, 1, 1, 1);
  REQUIRE(forest.trees[0].nodes() == 1);
  const Scorer scorer(forest);
  const std::vector<float> queries{3, 4, 3, 5};
  float scores[2];
  scorer.score(queries.data(), 2, 2, 1, scores);
  CHECK(scores[0] == Approx(0.5));
  CHECK(scores[1] == Approx(std::log2(5.0)));
}

// Three points on a line, one cut after the other, by hand.
TEST_CASE("rcf: a tree solved by hand", "[algos][rcf]") {
  Forest forest;
  forest.d = 1;
  forest.points = {0, 0, 10};
  forest.tree_of = {0, 0, 0};
  forest.trees.push_back({{0, -1, -1}, {4, 0, 0}, {2, -1, -1}, {3, 2, 1}, {-1, 0, 2}});
  const Scorer scorer(forest);
  const std::vector<float> queries{0, 10, 6, 20, -5};
  float scores[5];
  scorer.score(queries.data(), 5, 1, 1, scores);
  const double scale = 2;  // log2(3 + 1)
  CHECK(scores[0] == Approx(scale / (1 + 1)));  // two copies at depth 1
  CHECK(scores[1] == Approx(scale / 1));
  CHECK(scores[2] == Approx(scale / 2));        // within the root's box, no copy of the leaf
  CHECK(scores[3] == Approx(scale * (0.5 * 1 + 0.5 / 2)));             // half of 0 … 20 is beyond
  CHECK(scores[4] == Approx(scale * (1.0 / 3 + 2.0 / 3 / 2)));
}

TEST_CASE("rcf: a cut tells neighbouring floats apart", "[algos][rcf]") {
  const float low = 1, high = std::nextafter(1.0f, 2.0f);
  for (const double u : {0.0, 0.3, 0.5, 0.7, 0.999999999}) {
    const float cut = cut_between(low, high, u);
    CHECK(cut >= low);
    CHECK(cut < high);
  }
  const float most = std::numeric_limits<float>::max();
  CHECK(std::isfinite(cut_between(-most, most, 0.25)));
  CHECK(cut_between(-most, most, 0.5) == Approx(0).margin(1));
}

TEST_CASE("rcf: cuts fall into columns by their range, and uniformly within it", "[algos][rcf]") {
  const std::vector<float> x{0, 0, 3, 1};
  const std::vector<std::int32_t> rows{0, 1};
  int first = 0, low = 0;
  for (std::uint64_t t = 0; t < 4000; ++t) {
    const Tree tree = build_tree(x.data(), 2, rows, tree_random(9, t));
    if (tree.cut_dim[0] == 0) {
      ++first;
      low += tree.cut_value[0] < 1.5f;
    }
  }
  CHECK(first == Approx(3000).margin(140));  // 5 deviations
  CHECK(low == Approx(first / 2.0).margin(140));
}

// Specification 4.6: scores of the real service on a public series, which lies beside the project.
TEST_CASE("rcf: the logged job's scores and trees", "[algos][rcf]") {
  const std::filesystem::path path = std::filesystem::path(SMTRAIN_TEST_DATA) / "../../../shared/data/nab/realAWSCloudwatch/elb_request_count_8c0756.csv";
  std::ifstream file(path);
  if (!file) {
    std::cerr << "skipped: the logged job's scores need " << path << "\n";
    return;
  }
  std::vector<float> series;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) series.push_back(std::stof(line.substr(line.find(',') + 1)));
  REQUIRE(series.size() == 4032);
  const std::vector<double> values{51, 56, 94, 95, 187, 203, 212, 237, 299, 330, 381, 656};
  const std::vector<double> expected{0.771, 0.786, 0.866, 0.867, 1.614, 1.911, 2.105, 2.382, 3.205, 3.560, 3.951, 5.102};
  const std::vector<double> spread{0.03, 0.03, 0.03, 0.04, 0.05, 0.06, 0.06, 0.05, 0.05, 0.05, 0.03, 0.02};
  std::vector<double> means(values.size());
  constexpr int kSeeds = 40;
  double deepest = 0;
  for (int s = 0; s < kSeeds; ++s) {
    const Forest forest = build_forest(1, series, 50, static_cast<std::uint64_t>(s), 2);
    const std::vector<std::size_t> counts{107, 129, 125, 119, 109};
    double nodes = 0;
    for (std::size_t t = 0; t < 50; ++t) {
      if (t < counts.size()) CHECK(forest.trees[t].nodes() == counts[t]);
      nodes += static_cast<double>(forest.trees[t].nodes());
      deepest += static_cast<double>(depth_of(forest.trees[t])) / (50 * kSeeds);
    }
    CHECK(nodes / 50 == Approx(114.44));
    const Scorer scorer(forest);
    std::vector<float> all(series.size());
    scorer.score(series.data(), series.size(), 1, 2, all.data());
    double mean = 0, squares = 0;
    for (const float a : all) mean += static_cast<double>(a) / 4032;
    for (const float a : all) squares += (static_cast<double>(a) - mean) * (static_cast<double>(a) - mean) / 4032;
    const double cut = mean + 3 * std::sqrt(squares);
    const auto above = std::count_if(all.begin(), all.end(), [&](float a) { return static_cast<double>(a) > cut; });
    CHECK(above >= 85);
    CHECK(above <= 110);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float q = static_cast<float>(values[i]);
      float score = 0;
      scorer.score(&q, 1, 1, 1, &score);
      means[i] += static_cast<double>(score) / kSeeds;
    }
  }
  CHECK(deepest == Approx(12).margin(1));
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(values[i]);
    CHECK(means[i] == Approx(expected[i]).margin(1.5 * spread[i]));
  }
}

}  // namespace smtrain::rcf
