#include "algos/kmeans/kmeans.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <set>

#include "algos/kmeans/predictor.h"
#include "algos/kmeans/seeding.h"
#include "algos/kmeans/shrink.h"
#include "algos/test_context.h"
#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "job/checkpoint_file.h"

namespace smtrain::kmeans {
namespace {

using test::TemporaryFolder;
using test::TestContext;

using Rows = std::vector<std::vector<float>>;

std::string csv(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t j = 0; j < row.size(); ++j) text += (j > 0 ? "," : "") + format_number(row[j]);
    text += "\n";
  }
  return text;
}

Rows blobs(std::size_t n, std::size_t d, std::size_t centers, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Rows means(centers, std::vector<float>(d));
  for (auto& m : means) for (float& v : m) v = 10 * normal(random);
  Rows rows(n, std::vector<float>(d));
  for (std::size_t i = 0; i < n; ++i) for (std::size_t j = 0; j < d; ++j) rows[i][j] = means[i % centers][j] + normal(random);
  return rows;
}

using Hyperparameters = std::map<std::string, std::string>;

job::Settings settings_of(const Hyperparameters& values) {
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  NullLog log;
  return job::resolve(algorithm().description().hyperparameters, given, log);
}

struct Trained {
  std::unique_ptr<job::Predictor> predictor;
  job::Settings settings;
  const KMeansPredictor& model() const { return dynamic_cast<const KMeansPredictor&>(*predictor); }
};

Trained train_on(TestContext& context, const Hyperparameters& values) {
  Trained t{nullptr, settings_of(values)};
  t.predictor = algorithm().train(context, t.settings);
  return t;
}

std::string refusal(TestContext& context, const Hyperparameters& values) {
  try {
    train_on(context, values);
  } catch (const Error& e) {
    CHECK(e.exit_code() == 2);
    return e.what();
  }
  FAIL("nothing was refused");
  return "";
}

double squared_distance(const float* a, const float* b, std::size_t d) {
  double sum = 0;
  for (std::size_t j = 0; j < d; ++j) sum += (double(a[j]) - b[j]) * (double(a[j]) - b[j]);
  return sum;
}

std::size_t nearest(const std::vector<double>& centers, const std::vector<float>& x) {
  const std::size_t d = x.size();
  std::size_t best = 0;
  double least = 1e300;
  for (std::size_t c = 0; c < centers.size() / d; ++c) {
    double sum = 0;
    for (std::size_t j = 0; j < d; ++j) sum += (x[j] - centers[c * d + j]) * (x[j] - centers[c * d + j]);
    if (sum < least) least = sum, best = c;
  }
  return best;
}

// Sculley's mini-batch step with decay, in plain double precision.
struct Reference {
  std::vector<double> c, n;
  void step(const Rows& rows, std::size_t first, std::size_t count, double half_life) {
    const std::size_t d = rows[0].size(), k = n.size();
    std::vector<double> sums(k * d), m(k);
    for (std::size_t i = first; i < first + count; ++i) {
      const std::size_t j = nearest(c, rows[i]);
      m[j] += 1;
      for (std::size_t t = 0; t < d; ++t) sums[j * d + t] += rows[i][t];
    }
    for (std::size_t j = 0; j < k; ++j) {
      if (half_life > 0) n[j] *= std::pow(2.0, -double(count) / half_life);
      if (m[j] == 0) continue;
      const double p = m[j] / (n[j] + m[j]);
      for (std::size_t t = 0; t < d; ++t) c[j * d + t] = (1 - p) * c[j * d + t] + p * sums[j * d + t] / m[j];
      n[j] += m[j];
    }
  }
};

job::Model saved(const job::Predictor& predictor) {
  job::Model model;
  model.manifest.algorithm = "kmeans";
  predictor.save(model);
  return model;
}

}  // namespace

TEST_CASE("kmeans: two clusters on a line are found by hand", "[algos][kmeans]") {
  TemporaryFolder folder;
  const auto path = folder.put("a.csv", "0\n2\n10\n14\n");
  TestContext context({{"train", path.string()}});
  // Factor 2 takes all four rows as centres, each with weight one; the reduction then finds {0, 2} and {10, 14}.
  const Trained t = train_on(context, {{"k", "2"}, {"extra_center_factor", "2"}});
  std::vector<float> centers = t.model().centers();
  std::sort(centers.begin(), centers.end());
  CHECK(centers == std::vector<float>{1, 12});
  CHECK(context.metrics_kept.qualities["train:msd"] == Approx((1 + 1 + 4 + 4) / 4.0));
  CHECK(context.metrics_kept.qualities["train:data_msd"] == 0);
}

TEST_CASE("kmeans: the stream equals a plain double-precision reference", "[algos][kmeans]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 12; ++round) {
    const std::size_t n = 50 + random() % 300, d = 1 + random() % 40, k = 1 + random() % 12, b = 20 + random() % 100;
    const double half_life = round % 3 == 0 ? 0 : double(1 + random() % 500);
    const Rows rows = blobs(n, d, 5, seed + static_cast<unsigned>(round));
    TemporaryFolder folder;
    const auto path = folder.put("a.csv", csv(rows));

    Reference reference;
    std::vector<float> start;
    for (std::size_t j = 0; j < k; ++j) start.insert(start.end(), rows[j].begin(), rows[j].end());
    std::vector<double> counts(k);
    for (double& c : counts) c = double(random() % 50);
    reference.c.assign(start.begin(), start.end());
    reference.n = counts;
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (std::size_t first = 0; first < n; first += b) reference.step(rows, first, std::min(b, n - first), half_life);
    }

    const job::Model model = saved(KMeansPredictor(start, counts, d, {}));
    TestContext context({{"train", path.string()}});
    context.start = &model;
    if (round % 2 == 1) context.piece_bytes = 1 + random() % 2000;  // mini-batches in several pieces
    CAPTURE(n, d, k, b, half_life, context.piece_bytes);
    const Trained t = train_on(context, {{"k", std::to_string(k)}, {"epochs", "2"}, {"mini_batch_size", std::to_string(b)},
                                         {"half_life_time_size", std::to_string(int(half_life))}});
    for (std::size_t i = 0; i < k * d; ++i) REQUIRE(t.model().centers()[i] == Approx(reference.c[i]).epsilon(1e-4).margin(1e-4));
    for (std::size_t j = 0; j < k; ++j) REQUIRE(t.model().counts()[j] == Approx(reference.n[j]).margin(1e-9));
  }
}

TEST_CASE("kmeans: the same seed gives the same bytes for any number of threads; another seed does not", "[algos][kmeans]") {
  TemporaryFolder folder;
  const auto path = folder.put("a.csv", csv(blobs(3000, 17, 8, 3)));
  const Hyperparameters hp{{"k", "8"}, {"epochs", "3"}, {"mini_batch_size", "500"}, {"init_method", "kmeans++"}};
  auto run = [&](int threads, std::uint64_t seed) {
    TestContext context({{"train", path.string()}}, threads);
    context.run_seed = seed;
    return train_on(context, hp).model().centers();
  };
  const std::vector<float> one = run(1, 7);
  for (int threads : {2, 3, 4, 7}) CHECK(run(threads, 7) == one);
  CHECK(run(2, 8) != one);
}

TEST_CASE("kmeans: sparse rows give the model of the same rows written densely", "[algos][kmeans]") {
  std::mt19937 random(5);
  std::string dense, sparse;
  for (int i = 0; i < 400; ++i) {
    std::string keys, values;
    for (int j = 0; j < 12; ++j) {
      const int v = random() % 3 == 0 ? int(random() % 9) + 1 : 0;
      dense += (j > 0 ? "," : "") + std::to_string(v);
      if (v == 0) continue;
      keys += (keys.empty() ? "" : ",") + std::to_string(j);
      values += (values.empty() ? "" : ",") + std::to_string(v);
    }
    dense += "\n";
    sparse += R"({"data":{"features":{"keys":[)" + keys + R"(],"shape":[12],"values":[)" + values + "]}}}\n";
  }
  TemporaryFolder folder;
  TestContext from_dense({{"train", folder.put("a.csv", dense).string()}});
  TestContext from_sparse({{"train", folder.put("a.jsonl", sparse).string()}});
  const Hyperparameters hp{{"k", "3"}, {"epochs", "2"}, {"mini_batch_size", "64"}};
  CHECK(train_on(from_dense, hp).model().centers() == train_on(from_sparse, hp).model().centers());
}

TEST_CASE("kmeans: auto rules follow the first mini-batch and are recorded", "[algos][kmeans]") {
  TemporaryFolder folder;
  const auto path = folder.put("a.csv", csv(blobs(100, 2, 4, 1)));
  const std::vector<std::pair<std::string, std::string>> cases{{"4", "10"}, {"10", "10"}, {"11", "9"}, {"60", "1"}, {"100", "1"}};
  for (const auto& [k, factor] : cases) {
    TestContext context({{"train", path.string()}});
    const Trained t = train_on(context, {{"k", k}});
    CHECK(t.settings.find("extra_center_factor")->text == factor);
    CHECK(t.settings.find("extra_center_factor")->origin != "test");
    CHECK(context.logged("'extra_center_factor' was set to 'auto', evaluated to " + factor + "."));
    CHECK(t.settings.find("feature_dim")->text == "2");
    CHECK(context.logged("mini_batch_size 5000 is larger than the data"));
    if (factor == "1") CHECK(context.logged("No shrinking is required as extra_center_factor is 1."));
    else CHECK(context.logged("shrinking"));
  }
}

TEST_CASE("kmeans: what cannot be trained is refused with both numbers", "[algos][kmeans]") {
  TemporaryFolder folder;
  const auto path = folder.put("a.csv", csv(blobs(30, 3, 3, 1)));
  TestContext context({{"train", path.string()}});
  CHECK(refusal(context, {{"k", "31"}}).find("31 clusters need at least 31 rows in the first mini-batch; it holds 30") != std::string::npos);
  CHECK(refusal(context, {{"k", "4"}, {"extra_center_factor", "9"}}).find("the largest factor that fits is 7") != std::string::npos);
  CHECK(refusal(context, {{"k", "4"}, {"feature_dim", "5"}}).find("5") != std::string::npos);
  context.limit = 100;
  CHECK(refusal(context, {{"k", "4"}}).find("--memory-limit") != std::string::npos);
  context.limit = std::uint64_t{1} << 32;

  const job::Model other = saved(KMeansPredictor({1, 2, 3, 4}, {1, 1}, 2, {}));
  context.start = &other;
  CHECK(refusal(context, {{"k", "2"}}).find("trained on 2 features, the train channel has 3") != std::string::npos);
  const job::Model same_width = saved(KMeansPredictor({1, 2, 3, 4, 5, 6}, {1, 1}, 3, {}));
  context.start = &same_width;
  CHECK(refusal(context, {{"k", "3"}}).find("k: is 3, but the start model has 2 clusters") != std::string::npos);
  CHECK(refusal(context, {{"k", "2"}, {"extra_center_factor", "4"}}).find("give 1 or auto") != std::string::npos);
}

TEST_CASE("kmeans: training on one half and then on the other equals training on both", "[algos][kmeans]") {
  const Rows rows = blobs(2000, 6, 5, 9);
  const Rows first(rows.begin(), rows.begin() + 1000), second(rows.begin() + 1000, rows.end());
  TemporaryFolder folder;
  const Hyperparameters hp{{"k", "5"}, {"mini_batch_size", "100"}};
  TestContext whole({{"train", folder.put("all.csv", csv(rows)).string()}});
  TestContext half_a({{"train", folder.put("a.csv", csv(first)).string()}});
  TestContext half_b({{"train", folder.put("b.csv", csv(second)).string()}});
  const Trained all = train_on(whole, hp);
  const job::Model after_a = saved(*train_on(half_a, hp).predictor);
  half_b.start = &after_a;
  const Trained continued = train_on(half_b, hp);
  // The stream's state is saved whole, so nothing is lost in between.
  CHECK(continued.model().stream().centers == all.model().stream().centers);
  CHECK(continued.model().centers() == all.model().centers());
}

TEST_CASE("kmeans: a saved model answers as before; distances are Euclidean and exact", "[algos][kmeans]") {
  const Rows rows = blobs(300, 9, 4, 2);
  TemporaryFolder folder;
  const auto path = folder.put("a.csv", csv(rows));
  TestContext context({{"train", path.string()}, {"test", path.string()}});
  const Trained t = train_on(context, {{"k", "4"}, {"eval_metrics", R"(["msd","ssd"])"}});
  const std::unique_ptr<KMeansPredictor> loaded = load(saved(*t.predictor));
  REQUIRE(loaded->centers() == t.model().centers());

  auto scratch = loaded->make_scratch(context.backend());
  formats::Prediction prediction;
  auto stream = context.open_table("test", {1000, 1, 9});
  formats::Batch batch;
  REQUIRE(stream->next(batch));
  loaded->predict(context.backend(), batch, {}, *scratch, prediction);
  REQUIRE(prediction.rows == 300);
  REQUIRE(prediction.columns[0].name == "closest_cluster");
  REQUIRE(prediction.columns[1].name == "distance_to_cluster");
  const std::vector<double> centers(loaded->centers().begin(), loaded->centers().end());
  double ssd = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::size_t j = nearest(centers, rows[i]);
    REQUIRE(prediction.columns[0].values[i] == static_cast<float>(j));
    const double d2 = squared_distance(rows[i].data(), loaded->centers().data() + j * 9, 9);
    REQUIRE(prediction.columns[1].values[i] == Approx(std::sqrt(d2)).epsilon(1e-5));
    ssd += d2;
  }
  CHECK(context.metrics_kept.qualities["test:ssd"] == Approx(ssd).epsilon(1e-5));
  CHECK(context.metrics_kept.qualities["test:msd"] == Approx(ssd / 300).epsilon(1e-5));
}

TEST_CASE("kmeans: a model of the service is recognised, loaded and continued", "[algos][kmeans]") {
  const job::Model service = job::read_model(std::string(SMTRAIN_TEST_DATA) + "/models/service/kmeans-model.tar.gz");
  CHECK(service.manifest.algorithm.empty());
  REQUIRE(recognises(service));
  const std::unique_ptr<KMeansPredictor> model = load(service);
  CHECK(model->counts().empty());
  TemporaryFolder folder;
  TestContext context({{"train", folder.put("a.csv", csv(blobs(60, model->feature_dim(), 2, 3))).string()}});
  context.start = &service;
  const Trained t = train_on(context, {{"k", std::to_string(model->k())}});
  CHECK(t.model().k() == model->k());
  CHECK(context.logged("tells no cluster sizes"));
}

TEST_CASE("kmeans: damaged models are refused", "[algos][kmeans]") {
  job::Model model = saved(KMeansPredictor({1, 2, 3, 4}, {1, 1}, 2, {}));
  job::Model no_centers = model;
  std::erase_if(no_centers.tensors, [](const auto& t) { return t.name == "centers"; });
  CHECK_THROWS_AS(load(no_centers), Error);
  job::Model wrong_counts = model;
  for (auto& t : wrong_counts.tensors) {
    if (t.name == "counts") t = formats::NamedTensor::f64("counts", {1}, std::vector<double>{1}.data());
  }
  CHECK_THROWS_WITH(load(wrong_counts), Catch::Contains("do not agree"));
  job::Model nan = saved(KMeansPredictor({1, NAN, 3, 4}, {1, 1}, 2, {}));
  CHECK_THROWS_WITH(load(nan), Catch::Contains("not finite"));
}

TEST_CASE("kmeans++: every row once when as many centres as distinct rows are asked for", "[algos][kmeans]") {
  const auto backend = compute::make_cpu_backend(2);
  const Rows rows = blobs(40, 3, 40, 4);
  std::vector<float> packed;
  for (const auto& r : rows) packed.insert(packed.end(), r.begin(), r.end());
  const std::vector<double> weights(40, 1.0);
  const Candidates candidates(*backend, packed, weights, 3);
  RandomStream random(1, "test");
  std::vector<float> chosen = candidates.choose_plus_plus(40, random, [] {});
  std::set<std::vector<float>> distinct;
  for (int j = 0; j < 40; ++j) distinct.emplace(chosen.begin() + 3 * j, chosen.begin() + 3 * j + 3);
  CHECK(distinct.size() == 40);
}

TEST_CASE("kmeans++: rows are drawn in proportion to weight and squared distance", "[algos][kmeans]") {
  const auto backend = compute::make_cpu_backend(1);
  // Row 0 is always first (all the weight); then rows at distance 1, 2, 3 with weights 4, 1, 0: odds 4 to 4 to 0.
  const std::vector<float> rows{0, 1, 2, 3};
  const std::vector<double> weights{1e12, 4, 1, 0};
  const Candidates candidates(*backend, rows, weights, 1);
  int ones = 0, twos = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    RandomStream random(seed, "test");
    const std::vector<float> chosen = candidates.choose_plus_plus(2, random, [] {});
    REQUIRE(chosen[0] == 0);
    ones += chosen[1] == 1;
    twos += chosen[1] == 2;
  }
  CHECK(ones + twos == 2000);
  CHECK(ones == Approx(1000).margin(120));
}

TEST_CASE("kmeans++: fewer distinct rows than centres still gives that many", "[algos][kmeans]") {
  const auto backend = compute::make_cpu_backend(1);
  const std::vector<float> rows{5, 5, 5, 7};
  const std::vector<double> weights(4, 1.0);
  const Candidates candidates(*backend, rows, weights, 1);
  RandomStream random(3, "test");
  std::vector<float> chosen = candidates.choose_plus_plus(4, random, [] {});
  std::sort(chosen.begin(), chosen.end());
  CHECK(chosen == std::vector<float>{5, 5, 5, 7});
}

TEST_CASE("shrink: the reported loss is that of the returned centres, and more trials never make it worse", "[algos][kmeans]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  const auto backend = compute::make_cpu_backend(2);
  const std::size_t n = 120, d = 4;
  const Rows rows = blobs(n, d, 9, seed);
  std::vector<float> packed;
  for (const auto& r : rows) packed.insert(packed.end(), r.begin(), r.end());
  std::vector<double> weights(n);
  std::mt19937 random(seed);
  double total = 0;
  for (double& w : weights) total += w = double(random() % 20);
  std::vector<double> losses;
  for (std::int64_t trials : {1, 5, 20}) {
    for (Init init : {Init::random, Init::plus_plus}) {
      std::vector<double> reported;
      const LloydOptions options{9, init, 300, trials, 1e-6};
      const Shrunk s = shrink(*backend, packed, weights, d, options, RandomStream(seed, "lloyd"),
                              [&](std::int64_t, double msd) { reported.push_back(msd); }, [] { return true; });
      REQUIRE(reported.size() == static_cast<std::size_t>(trials));
      CHECK(s.msd == *std::min_element(reported.begin(), reported.end()));
      const std::vector<double> centers(s.centers.begin(), s.centers.end());
      double loss = 0, counted = 0;
      for (std::size_t i = 0; i < n; ++i) {
        loss += weights[i] * squared_distance(rows[i].data(), s.centers.data() + d * nearest(centers, rows[i]), d);
      }
      for (double c : s.counts) counted += c;
      CHECK(s.msd == Approx(loss / total).epsilon(1e-4));
      CHECK(counted == Approx(total));
      if (init == Init::plus_plus) losses.push_back(s.msd);
    }
  }
  CHECK(losses[1] <= losses[0]);
  CHECK(losses[2] <= losses[1]);
}

TEST_CASE("shrink: an emptied cluster is given the most expensive point", "[algos][kmeans]") {
  const auto backend = compute::make_cpu_backend(1);
  // Three equal points and one far away: any start on equal points leaves a cluster empty.
  const std::vector<float> points{1, 1, 1, 100};
  const std::vector<double> weights(4, 1.0);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const LloydOptions options{2, Init::random, 300, 1, 0};
    const Shrunk s = shrink(*backend, points, weights, 1, options, RandomStream(seed, "lloyd"), [](std::int64_t, double) {}, [] { return true; });
    CHECK(s.msd == 0);
  }
}

TEST_CASE("shrink: points without weight take no part unless they are needed", "[algos][kmeans]") {
  const auto backend = compute::make_cpu_backend(1);
  const std::vector<float> points{1, 2, 50};
  const LloydOptions options{2, Init::plus_plus, 300, 3, 0};
  auto run = [&](std::vector<double> weights) {
    Shrunk s = shrink(*backend, points, weights, 1, options, RandomStream(1, "lloyd"), [](std::int64_t, double) {}, [] { return true; });
    std::sort(s.centers.begin(), s.centers.end());
    return s.centers;
  };
  CHECK(run({1, 1, 0}) == std::vector<float>{1, 2});
  CHECK(run({1, 0, 0}) == std::vector<float>{1.5, 50});
}

TEST_CASE("kmeans: the data iterator counts as the service's does", "[algos][kmeans]") {
  TemporaryFolder folder;
  TestContext context({{"train", folder.put("a.csv", csv(blobs(250, 2, 3, 1))).string()}});
  train_on(context, {{"k", "3"}, {"epochs", "2"}, {"mini_batch_size", "100"}});
  const auto& seen = context.metrics_kept.iterators;
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].meta == "init_train_data_iter");
  CHECK(seen[0].total_records == 100);
  CHECK(seen[1].meta == "training_data_iter");
  CHECK(seen[1].total_records == 350);  // the batch used for seeding is read again
  CHECK(seen[2].total_records == 600);
  CHECK(seen[2].records_since_reset == 250);
  CHECK(seen[2].batches_since_reset == 3);
  CHECK(context.metrics_kept.epochs_done == 2);
  CHECK(context.safe_points >= 6);
}

namespace {

// What a run leaves: the bytes of its tensors, its metrics, its resolved settings, and what its iterator has counted.
std::string trace_of(const Trained& t, const TestContext& context) {
  job::Model model;
  t.predictor->save(model);
  std::string text = formats::write_safetensors(model.tensors);
  for (const auto& [name, value] : context.metrics_kept.qualities) text += name + "=" + format_number(value) + "\n";
  for (const auto& s : t.settings.all()) text += s.name + "=" + s.text + " (" + s.given + ")\n";
  const job::IteratorStats& last = context.metrics_kept.iterators.back();
  return text + fmt::format("{} {} {}", last.total_records, last.max_records_between_resets, last.batches_since_reset);
}

// Ends a run at safe point number `at`, goes on from what it has saved, and returns what is left; "" past the last one.
std::string broken_at(int at, const std::map<std::string, std::string>& channels, const Hyperparameters& hp, const job::Model* start) {
  TestContext first(channels), second(channels);
  for (TestContext* context : {&first, &second}) {
    context->piece_bytes = 400;
    context->start = start;
  }
  first.save_at = at;
  try {
    train_on(first, hp);
    return "";
  } catch (const Error& error) {
    REQUIRE(error.fault() == Fault::stopped);
  }
  second.resume = job::read_checkpoint(job::write_checkpoint({{}, first.saved}), "saved").state;
  second.metrics_kept = first.metrics_kept;  // as the run keeps them beside the state
  return trace_of(train_on(second, hp), second);
}

}  // namespace

TEST_CASE("kmeans: a run broken at any safe point goes on to the same bytes", "[algos][kmeans]") {
  TemporaryFolder folder;
  const std::string data = folder.put("a.csv", csv(blobs(230, 4, 5, 7))).string();
  const std::map<std::string, std::string> channels{{"train", data}, {"test", data}};
  const job::Model model = [&] {
    TestContext context(channels);
    return saved(*train_on(context, {{"k", "4"}}).predictor);
  }();
  struct Case {
    Hyperparameters hp;
    const job::Model* start;
  };
  const Case cases[] = {{{{"k", "4"}, {"epochs", "3"}, {"mini_batch_size", "50"}, {"local_lloyd_num_trials", "3"}}, nullptr},
                        {{{"k", "4"}, {"epochs", "2"}, {"mini_batch_size", "40"}, {"extra_center_factor", "1"}, {"half_life_time_size", "90"}}, nullptr},
                        {{{"k", "4"}, {"epochs", "2"}, {"mini_batch_size", "115"}, {"init_method", "kmeans++"}}, &model}};
  for (const Case& c : cases) {
    TestContext unbroken(channels);
    unbroken.piece_bytes = 400;
    unbroken.start = c.start;
    const std::string expected = trace_of(train_on(unbroken, c.hp), unbroken);
    REQUIRE(unbroken.safe_points > 5);
    for (int at = 1; at <= unbroken.safe_points; ++at) {
      CAPTURE(at, c.hp.at("mini_batch_size"));
      CHECK((broken_at(at, channels, c.hp, c.start) == expected));
    }
  }
}

TEST_CASE("kmeans: continuing on the other half beats the first half alone on rows that neither has seen", "[algos][kmeans]") {
  // Halves that know different clusters: what only the second one shows must be learnt, the first not forgotten.
  const Rows rows = blobs(3000, 6, 8, 5);
  Rows a, b, held_out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % 3 == 0) held_out.push_back(rows[i]);
    else if (i % 8 < 5) a.push_back(rows[i]);
    else b.push_back(rows[i]);
  }
  TemporaryFolder folder;
  const std::string test = folder.put("test.csv", csv(held_out)).string();
  const Hyperparameters hp{{"k", "8"}, {"mini_batch_size", "200"}, {"epochs", "3"}};
  TestContext first({{"train", folder.put("a.csv", csv(a)).string()}, {"test", test}});
  TestContext second({{"train", folder.put("b.csv", csv(b)).string()}, {"test", test}});
  const job::Model after_a = saved(*train_on(first, hp).predictor);
  second.start = &after_a;
  train_on(second, hp);
  CHECK(second.metrics_kept.qualities["test:msd"] < 0.5 * first.metrics_kept.qualities["test:msd"]);
}

TEST_CASE("kmeans: shrinking that is told to end gives the best it has", "[algos][kmeans]") {
  const std::unique_ptr<compute::Backend> backend = compute::make_cpu_backend(1);
  const std::vector<float> points{0, 1, 2, 100, 101, 103};
  const std::vector<double> weights(6, 1.0);
  for (const int allowed : {0, 1, 5}) {
    int polls = 0;
    std::vector<double> reported;
    const Shrunk s = shrink(*backend, points, weights, 1, {2, Init::random, 300, 50, 0}, RandomStream(1, "lloyd"),
                            [&](std::int64_t, double msd) { reported.push_back(msd); }, [&] { return ++polls <= allowed; });
    CAPTURE(allowed, polls);
    REQUIRE_FALSE(reported.empty());
    CHECK(reported.size() < 50);
    CHECK(s.msd == *std::min_element(reported.begin(), reported.end()));
    CHECK(s.counts[0] + s.counts[1] == 6);
  }
}

}  // namespace smtrain::kmeans
