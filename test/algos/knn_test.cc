#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "algos/knn/build_index.h"
#include "algos/knn/faiss_file.h"
#include "algos/knn/predictor.h"
#include "algos/knn/projection.h"
#include "algos/knn/reservoir.h"
#include "algos/knn/score.h"
#include "algos/knn/search.h"
#include "algos/knn/vote.h"
#include "algos/opaque_backend.h"
#include "algos/registry.h"
#include "algos/test_context.h"
#include "base/temporary_folder.h"
#include "compute/reference.h"

namespace smtrain::knn {
namespace {

using Catch::Contains;
using compute::Closeness;
using compute::test::seed;
using test::TemporaryFolder;
using test::TestContext;

RowBlock random_rows(std::mt19937& random, std::size_t n, std::size_t d) {
  const std::vector<float> x = compute::test::random_rows(random, n, d);
  return copied_rows(x.data(), n, d);
}

IndexPlan plan_of(IndexKind kind, Closeness closeness = Closeness::distance) { return {kind, closeness, 12, 4, 4}; }

Index small_index(compute::Backend& backend, std::mt19937& random, IndexKind kind, Closeness closeness = Closeness::distance) {
  return build_index(backend, random_rows(random, 700, 8), plan_of(kind, closeness), RandomStream(1, "test"));
}

compute::Mat queries(compute::Backend& backend, const RowBlock& rows) {
  compute::Mat x = backend.allocate(rows.rows, rows.d, compute::DType::f32);
  backend.write(backend.main_queue(), x, rows.numbers.get());
  return x;
}

struct Run {
  std::unique_ptr<job::Predictor> predictor;
  job::Model model;
};

Run train_on(TestContext& context, std::map<std::string, std::string> values) {
  context.csv_type = "text/csv;label_size=1";
  const std::map<std::string, std::string> common{{"k", "3"}, {"predictor_type", "classifier"}, {"sample_size", "1000"}};
  values.insert(common.begin(), common.end());
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  NullLog log;
  const job::Algorithm& algorithm = *algos::find("knn");
  job::Settings settings = job::resolve(algorithm.description().hyperparameters, given, log);
  Run run{algorithm.train(context, settings), {}};
  run.model.manifest.algorithm = "knn";
  run.predictor->save(run.model);
  return run;
}

// Rows on a line, labels 0 below 50 and 1 above.
std::string line_of_rows(std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i)
    text += fmt::format("{},{},1\n", i * 100 / n >= 50 ? 1 : 0, static_cast<double>(i) * 100 / static_cast<double>(n));
  return text;
}

}  // namespace

TEST_CASE("knn: a vote's tie goes to the smallest label, and a regressor takes the mean", "[algos][knn]") {
  std::vector<float> scratch;
  const auto vote = [&](std::vector<float> labels) { return answer_of(Task::classifier, labels, scratch); };
  CHECK(vote({3, 1, 3, 1, 2}).label == 1);
  CHECK(vote({3, 1, 3, 1, 2}).share == Approx(0.4));
  CHECK(vote({7}).label == 7);
  CHECK(vote({2, 2, -1}).label == 2);
  CHECK(answer_of(Task::regressor, std::vector<float>{1, 2, 6}, scratch).label == 3);
}

TEST_CASE("knn: the reservoir is uniform, whoever draws", "[algos][knn]") {
  constexpr std::uint64_t slots = 20, rows = 100, runs = 4000;
  std::vector<double> kept(rows, 0.0);
  for (std::uint64_t run = 0; run < runs; ++run) {
    SlotDraws draws(RandomStream(run, "knn.reservoir"), slots);
    std::vector<std::uint64_t> held(slots);
    for (std::uint64_t t = 0; t < rows; ++t)
      if (const auto slot = draws.slot_of(t)) held[*slot] = t;
    for (const std::uint64_t t : held) kept[t] += 1;
  }
  const double expected = static_cast<double>(runs * slots) / rows;
  double chi = 0;
  for (const double n : kept) chi += (n - expected) * (n - expected) / expected;
  CHECK(chi < 150);  // 99 degrees of freedom; draws without replacement vary less
  SlotDraws one(RandomStream(5, "x"), 3), other(RandomStream(5, "x"), 3);
  for (std::uint64_t t = 0; t < 50; ++t) static_cast<void>(one.slot_of(t));
  CHECK(one.slot_of(77) == other.slot_of(77));
}

TEST_CASE("knn: projections keep squared lengths in expectation, and are the same for the same seed", "[algos][knn]") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  const auto backend = compute::make_cpu_backend(2);
  const std::size_t d = 100, n = 40;
  const RowBlock rows = random_rows(random, n, d);
  formats::Batch batch;
  batch.rows = n;
  batch.cols = batch.ld = d;
  batch.dense = rows.numbers.get();
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), 0);
  for (const Reduction reduction : {Reduction::sign, Reduction::fjlt}) {
    CAPTURE(static_cast<int>(reduction));
    double ratio = 0;
    constexpr int seeds = 60;
    for (std::uint64_t s = 0; s < seeds; ++s) {
      const Shape shape{reduction, d, 30, 32, s, false};
      const std::vector<float> made = RowShaper(*backend, shape).rows_of(batch, all);
      REQUIRE(made.size() == n * 32);
      for (std::size_t i = 0; i < n; ++i) {
        double before = 0, after = 0;
        for (std::size_t j = 0; j < d; ++j) before += std::pow(static_cast<double>(rows.row(i)[j]), 2);
        for (std::size_t j = 0; j < 32; ++j) after += std::pow(static_cast<double>(made[i * 32 + j]), 2);
        CHECK(made[i * 32 + 31] == 0);
        ratio += after / before;
      }
      if (s == 3) CHECK((RowShaper(*backend, shape).rows_of(batch, all) == made));
    }
    CHECK(ratio / (seeds * n) == Approx(1).margin(0.05));
  }
}

TEST_CASE("knn: fjlt is the transform that its file describes", "[algos][knn]") {
  const Shape shape{Reduction::fjlt, 5, 4, 4, 9, false};
  const Projection projection(shape);
  const std::string file = projection.file();
  REQUIRE(file.size() == 5 * 4 + 4 * 4);
  float signs[5];
  std::int32_t coordinates[4];
  std::memcpy(signs, file.data(), sizeof signs);
  std::memcpy(coordinates, file.data() + sizeof signs, sizeof coordinates);
  const float x[5] = {1, -2, 3, 0.5f, 4};
  float y[4];
  std::vector<float> scratch;
  projection.transform(x, y, scratch);
  for (std::size_t i = 0; i < 4; ++i) {
    double sum = 0;  // Hadamard: (-1)^popcount(i and j)
    for (unsigned j = 0; j < 5; ++j)
      sum += (std::popcount(static_cast<unsigned>(coordinates[i]) & j) % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(signs[j] * x[j]);
    CHECK(static_cast<double>(y[i]) == Approx(sum / 2));  // sqrt(8 / 4) / sqrt(8)
  }
}

TEST_CASE("knn: an inverted file that looks through all of its lists finds what an exact search finds", "[algos][knn]") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  const auto backend = compute::make_cpu_backend(2);
  const RowBlock asked = random_rows(random, 50, 8);
  for (const Closeness closeness : {Closeness::distance, Closeness::product}) {
    const RowBlock rows = random_rows(random, 700, 8);
    const Index flat = build_index(*backend, rows, plan_of(IndexKind::flat, closeness), RandomStream(1, "test"));
    const Index lists = build_index(*backend, rows, plan_of(IndexKind::ivf_flat, closeness), RandomStream(1, "test"));
    CHECK(lists.starts.back() == 700);
    const Neighbours exact = Searcher(*backend, flat).find(queries(*backend, asked), 9);
    CHECK((Searcher(*backend, lists).find(queries(*backend, asked), 9, 12).ids == exact.ids));
    CHECK((Searcher(*backend, lists).find(queries(*backend, asked), 9, 1).ids != exact.ids));
  }
}

TEST_CASE("knn: a query that meets empty lists goes on until it finds a row", "[algos][knn]") {
  const auto backend = compute::make_cpu_backend(1);
  Index index;
  index.kind = IndexKind::ivf_flat;
  index.d = 1;
  index.rows = 2;
  const float centroids[] = {0, 10, 20}, vectors[] = {19, 21};
  index.centroids = copied_rows(centroids, 3, 1);
  index.vectors = copied_rows(vectors, 2, 1);
  index.probes = 1;
  index.starts = {0, 0, 0, 2};
  index.ids = {1, 0};
  const float x = 1;
  const Neighbours found = Searcher(*backend, index).find(queries(*backend, copied_rows(&x, 1, 1)), 2);
  CHECK((found.ids == std::vector<std::int64_t>{1, 0}));
  index.starts = {0, 1, 1, 2};
  const Neighbours fewer = Searcher(*backend, index).find(queries(*backend, copied_rows(&x, 1, 1)), 2);
  CHECK((fewer.ids == std::vector<std::int64_t>{1, -1}));
  CHECK(std::isnan(fewer.scores[1]));
}

TEST_CASE("knn: index files come back to the byte, and damaged ones are refused", "[algos][knn]") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  const auto backend = compute::make_cpu_backend(2);
  for (const IndexKind kind : {IndexKind::flat, IndexKind::ivf_flat, IndexKind::ivf_pq}) {
    CAPTURE(static_cast<int>(kind));
    const std::string bytes = write_faiss_index(small_index(*backend, random, kind));
    CHECK((write_faiss_index(read_faiss_index(bytes, "m")) == bytes));
    for (std::size_t cut = 0; cut < bytes.size(); cut += cut < 400 ? 1 : 997) {
      CHECK_THROWS_WITH(read_faiss_index(std::string_view(bytes).substr(0, cut), "m"), Contains("m: "));
    }
    CHECK_THROWS_WITH(read_faiss_index(bytes + "x", "m"), Contains("1 bytes follow"));
    std::string other = bytes;
    other.replace(0, 4, "IxPT");
    CHECK_THROWS_WITH(read_faiss_index(other, "m"), Contains("\"IxPT\"") && Contains("IwPQ"));
    const float nan = std::nanf("");
    other = bytes;
    std::memcpy(other.data() + (kind == IndexKind::flat ? other.size() - 4 : 102), &nan, 4);
    CHECK_THROWS_WITH(read_faiss_index(other, "m"), Contains("not finite") || Contains("m: byte"));
    other = bytes;
    std::int64_t rows = 3;
    std::memcpy(other.data() + 8, &rows, 8);
    CHECK_THROWS_WITH(read_faiss_index(other, "m"), Contains("m: byte"));
    if (kind == IndexKind::flat) continue;
    other = bytes;
    std::memcpy(other.data() + other.size() - 8, other.data() + other.size() - 16, 8);  // one row twice
    CHECK_THROWS_WITH(read_faiss_index(other, "m"), Contains("a second time"));
  }
  // Few lists that hold rows are stored as pairs.
  Index sparse = small_index(*backend, random, IndexKind::ivf_flat);
  sparse.starts.assign(13, 700);
  sparse.starts[0] = 0;
  const std::string bytes = write_faiss_index(sparse);
  CHECK(bytes.find("sprs") != std::string::npos);
  CHECK((read_faiss_index(bytes, "m").starts == sparse.starts));
}

TEST_CASE("knn: scores of several k are those of each alone", "[algos][knn]") {
  Score score(Task::classifier, {1, 3}, 3);
  score.add(1, std::vector<float>{1, 2, 2});
  score.add(2, std::vector<float>{2, 2, 1});
  score.add(2, std::vector<float>{1, 2, 2});
  CHECK(score.value(0) == Approx(2.0 / 3));
  CHECK(score.value_of_k() == Approx(2.0 / 3));
  CHECK(score.macro_f1() == Approx((0 + 2 * 2.0 / (2 + 3)) / 2));
  Score squares(Task::regressor, {2}, 2);
  squares.add(1, std::vector<float>{1, 3});
  CHECK(squares.value_of_k() == 1);
  CHECK((ks_to_try(5, 1000) == std::vector<std::size_t>{1, 2, 3, 5, 7, 10, 15, 20}));
  CHECK((ks_to_try(40, 60).back() == 40));
  CHECK((ks_to_try(1, 2) == std::vector<std::size_t>{1, 2}));
}

TEST_CASE("knn: trains, scores, saves and answers", "[algos][knn]") {
  const TemporaryFolder folder;
  const auto path = folder.put("train.csv", line_of_rows(400)).string();
  for (const char* type : {"faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"}) {
    CAPTURE(type);
    TestContext context({{"train", path}, {"test", path}});
    const Run run = train_on(context, {{"index_type", type}, {"mini_batch_size", "37"}});
    CHECK(context.metrics_kept.qualities.at("test:accuracy") > 0.98);
    CHECK(context.metrics_kept.qualities.at("test:macro_f_1.000") > 0.98);
    CHECK(context.logged("accuracy by k: 1:"));
    CHECK(context.logged("recall@3") == (std::string(type) != "faiss.Flat"));
    const auto loaded = load(run.model);
    job::Model again;
    loaded->save(again);
    CHECK((again.files == run.model.files));
  }
}

TEST_CASE("knn: the sample and the bytes do not depend on mini-batches, and a resumed run ends alike", "[algos][knn]") {
  const TemporaryFolder folder;
  const auto path = folder.put("train.csv", line_of_rows(500)).string();
  const auto files = [&](const char* batch) {
    TestContext context({{"train", path}});
    return train_on(context, {{"sample_size", "60"}, {"mini_batch_size", batch}}).model.files;
  };
  const auto whole = files("500");
  CHECK((files("7") == whole));
  TestContext broken({{"train", path}});
  broken.save_at = 9;
  CHECK_THROWS(train_on(broken, {{"sample_size", "60"}, {"mini_batch_size", "7"}}));
  TestContext resumed({{"train", path}});
  resumed.resume = broken.saved;
  CHECK((train_on(resumed, {{"sample_size", "60"}, {"mini_batch_size", "7"}}).model.files == whole));
}

TEST_CASE("knn: a reservoir goes on from a model as if there had been one run", "[algos][knn]") {
  const TemporaryFolder folder;
  const std::string rows = line_of_rows(500);
  std::size_t half = 0;
  for (int i = 0; i < 210; ++i) half = rows.find('\n', half) + 1;
  const auto all = folder.put("all.csv", rows).string(), a = folder.put("a.csv", rows.substr(0, half)).string(),
             b = folder.put("b.csv", rows.substr(half)).string();
  for (const char* type : {"faiss.Flat", "faiss.IVFFlat"}) {
    CAPTURE(type);
    const std::map<std::string, std::string> values{{"sample_size", "100"}, {"index_type", type}};
    TestContext one({{"train", all}}), first({{"train", a}}), second({{"train", b}});
    const Run whole = train_on(one, values), begun = train_on(first, values);
    second.start = &begun.model;
    const Run went_on = train_on(second, values);
    CHECK((went_on.model.files == whole.model.files));
    TestContext smaller({{"train", b}}), larger({{"train", b}});
    smaller.start = larger.start = &begun.model;
    CHECK(dynamic_cast<const KnnPredictor&>(*train_on(smaller, {{"sample_size", "30"}, {"index_type", type}}).predictor)
              .knowledge()
              .index.rows == 30);
    CHECK_THROWS_WITH(train_on(larger, {{"sample_size", "200"}, {"index_type", type}}),
                      Contains("keeps 100 of the 210 rows") && Contains("sample_size=100"));
  }
}

TEST_CASE("knn: damaged models are refused by the member that is wrong", "[algos][knn]") {
  const TemporaryFolder folder;
  TestContext context({{"train", folder.put("train.csv", line_of_rows(50)).string()}});
  const Run run = train_on(context, {});
  const auto damaged = [&](const char* member, const std::string& bytes) {
    job::Model model = run.model;
    model.files[member] = bytes;
    return model;
  };
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = run.model.files.at("model_algo-1.json");
    text.replace(text.find(from), from.size(), to);
    return damaged("model_algo-1.json", text);
  };
  CHECK_THROWS_WITH(load(damaged("model_algo-1.labels", "abc")), Contains("model_algo-1.labels: 3 bytes") && Contains("50 rows"));
  CHECK_THROWS_WITH(load(damaged("model_algo-1.json", "{")), Contains("model_algo-1.json: is not JSON"));
  CHECK_THROWS_WITH(load(edited("\"k\": 3", "\"k\": 51")), Contains("\"k\" is 51") && Contains("1 to 50"));
  CHECK_THROWS_WITH(load(edited("\"k\": 3", "\"k\": -1")), Contains("\"k\" is -1"));
  CHECK_THROWS_WITH(load(edited("classifier", "guesser")), Contains("\"guesser\"") && Contains("regressor"));
  CHECK_THROWS_WITH(load(edited("\"feature_dim\": 2", "\"feature_dim\": 3")), Contains("feature_dim"));
  CHECK_THROWS_WITH(load(edited("\"rows_seen\": 50", "\"rows_seen\": 49")), Contains("rows_seen"));
  CHECK_NOTHROW(load(edited("\"k\": 3", "\"k\": \"5\", \"new\": [1]")));
  CHECK(dynamic_cast<const KnnPredictor&>(*load(edited("\"k\": 3", "\"k\": 5"))).knowledge().k == 5);
  job::Model missing = run.model;
  missing.files.erase("model_algo-1.labels");
  CHECK_THROWS_WITH(load(missing), Contains("model_algo-1.labels is missing"));
}

}  // namespace smtrain::knn
