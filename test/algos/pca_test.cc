#include "algos/pca/pca.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "algos/opaque_backend.h"
#include "algos/pca/predictor.h"
#include "algos/test_context.h"
#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "formats/archive/ndarray_list.h"
#include "job/checkpoint_file.h"

namespace smtrain::pca {
namespace {

using test::TemporaryFolder;
using test::TestContext;

using Rows = std::vector<std::vector<float>>;
using Hyperparameters = std::map<std::string, std::string>;

unsigned seed() {
  static const unsigned value = [] {
    const char* text = std::getenv("SMTRAIN_TEST_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : std::random_device{}();
  }();
  return value;
}

std::string csv(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t j = 0; j < row.size(); ++j) text += (j > 0 ? "," : "") + format_number(row[j]);
    text += "\n";
  }
  return text;
}

// JSON Lines, every row sparse or every row dense, perhaps with a weight.
std::string lines(const Rows& rows, bool sparse, const std::vector<float>& weights = {}) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string keys, values;
    for (std::size_t j = 0; j < rows[i].size(); ++j) {
      if (sparse && rows[i][j] == 0) continue;
      keys += (keys.empty() ? "" : ",") + std::to_string(j);
      values += (values.empty() ? "" : ",") + format_number(rows[i][j]);
    }
    const std::string weight = weights.empty() ? "" : fmt::format(",\"weight\":{}", weights[i]);
    text += sparse ? fmt::format("{{\"data\":{{\"features\":{{\"keys\":[{}],\"shape\":[{}],\"values\":[{}]}}}}{}}}\n", keys,
                                 rows[i].size(), values, weight)
                   : fmt::format("{{\"features\":[{}]{}}}\n", values, weight);
  }
  return text;
}

// Rows with a falling spectrum about a mean far from the origin.
Rows cloud(std::size_t n, std::size_t d, std::mt19937& random, double mean = 3, double fall = 0.8) {
  std::normal_distribution<double> normal;
  std::vector<double> mix(d * d);
  for (double& v : mix) v = normal(random);
  Rows rows(n, std::vector<float>(d));
  for (auto& row : rows) {
    std::vector<double> x(d);
    double size = 5;
    for (std::size_t i = 0; i < d; ++i, size *= fall) {
      const double z = size * normal(random);
      for (std::size_t j = 0; j < d; ++j) x[j] += z * mix[i * d + j];
    }
    for (std::size_t j = 0; j < d; ++j) row[j] = static_cast<float>(x[j] + mean * static_cast<double>(j + 1));
  }
  return rows;
}

Rows holes(std::size_t n, std::size_t d, double filled, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::bernoulli_distribution there(filled);
  Rows rows(n, std::vector<float>(d));
  for (auto& row : rows)
    for (std::size_t j = 0; j < d; ++j) row[j] = there(random) ? normal(random) + static_cast<float>(j % 3) : 0;
  return rows;
}

// All eigenvalues and vectors of the scatter matrix, descending, by Jacobi rotations in plain double precision.
struct Reference {
  std::vector<double> mean, values;
  std::vector<std::vector<double>> vectors;
  double total = 0;

  explicit Reference(const Rows& rows, bool centred = true, const std::vector<float>& weights = {}) {
    const std::size_t d = rows[0].size();
    std::vector<long double> m(d), s(d * d);
    long double n = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const long double w = weights.empty() ? 1 : weights[r];
      n += w;
      for (std::size_t j = 0; j < d; ++j) m[j] += w * rows[r][j];
    }
    for (auto& v : m) v = centred ? v / n : 0;
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < d; ++j)
          s[i * d + j] += (weights.empty() ? 1 : weights[r]) * (rows[r][i] - m[i]) * (rows[r][j] - m[j]);
    mean.assign(m.begin(), m.end());
    std::vector<double> a(s.begin(), s.end());
    for (std::size_t i = 0; i < d; ++i) total += a[i * d + i];
    solve(a, d);
  }

  void solve(std::vector<double>& a, std::size_t d) {
    std::vector<double> v(d * d);
    for (std::size_t i = 0; i < d; ++i) v[i * d + i] = 1;
    for (int sweep = 0; sweep < 60; ++sweep)
      for (std::size_t p = 0; p < d; ++p)
        for (std::size_t q = p + 1; q < d; ++q) rotate(a, v, d, p, q);
    std::vector<std::size_t> order(d);
    for (std::size_t i = 0; i < d; ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](auto x, auto y) { return a[x * d + x] > a[y * d + y]; });
    for (const std::size_t i : order) {
      values.push_back(std::max(a[i * d + i], 0.0));
      vectors.emplace_back(d);
      for (std::size_t j = 0; j < d; ++j) vectors.back()[j] = v[j * d + i];
    }
  }

  static void rotate(std::vector<double>& a, std::vector<double>& v, std::size_t d, std::size_t p, std::size_t q) {
    if (a[p * d + q] == 0) return;
    const double theta = (a[q * d + q] - a[p * d + p]) / (2 * a[p * d + q]);
    const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1)), c = 1 / std::sqrt(t * t + 1), s = t * c;
    const auto turn = [&](double& x, double& y) {
      const double old = x;
      x = c * old - s * y;
      y = s * old + c * y;
    };
    for (std::size_t i = 0; i < d; ++i) turn(a[i * d + p], a[i * d + q]);
    for (std::size_t i = 0; i < d; ++i) turn(a[p * d + i], a[q * d + i]);
    for (std::size_t i = 0; i < d; ++i) turn(v[i * d + p], v[i * d + q]);
  }
};

job::Settings settings_of(const Hyperparameters& values) {
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  NullLog log;
  return job::resolve(algorithm().description().hyperparameters, given, log);
}

std::unique_ptr<PcaPredictor> train_on(TestContext& context, const Hyperparameters& values) {
  job::Settings settings = settings_of(values);
  std::unique_ptr<job::Predictor> predictor = algorithm().train(context, settings);
  return std::unique_ptr<PcaPredictor>(dynamic_cast<PcaPredictor*>(predictor.release()));
}

job::Model saved(const job::Predictor& predictor) {
  job::Model model;
  model.manifest.algorithm = "pca";
  predictor.save(model);
  return model;
}

std::string bytes_of(const job::Predictor& predictor) {
  const job::Model model = saved(predictor);
  return formats::write_safetensors(model.tensors) + model.files.at("model_algo-1") + model.files.at("model_algo-1.json");
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

double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

template <class T>
std::vector<double> doubles(const std::vector<T>& v) {
  return {v.begin(), v.end()};
}

// Component i from the strongest on: |dot| with the reference, whose sign is not ours.
void check_components(const Components& c, const Reference& reference, double tolerance) {
  const double scale = std::sqrt(reference.values[0]);
  for (std::size_t i = 0; i < c.k(); ++i) {
    const std::size_t at = c.k() - 1 - i;
    CHECK(c.values[at] == Approx(std::sqrt(reference.values[i])).margin(tolerance * scale));
    const bool alone = (i == 0 || reference.values[i - 1] > 1.2 * reference.values[i]) &&
                       (i + 1 == reference.values.size() || reference.values[i] > 1.2 * reference.values[i + 1]);
    if (!alone || reference.values[i] < 1e-6 * reference.values[0]) continue;
    double dot = 0, most = 0;
    for (std::size_t j = 0; j < c.d; ++j) {
      const double v = static_cast<double>(c.vectors[at * c.d + j]);
      dot += v * reference.vectors[i][j];
      if (std::abs(v) > std::abs(most)) most = v;
    }
    CHECK(std::abs(dot) == Approx(1).margin(10 * tolerance));
    CHECK(most > 0);
  }
}

const std::vector<std::string> kModes = {"regular", "randomized"};

}  // namespace

TEST_CASE("pca: components of random shapes against a double-precision reference", "[pca]") {
  std::mt19937 random(seed());
  const TemporaryFolder folder;
  for (int round = 0; round < 12; ++round) {
    const std::size_t d = 1 + random() % 14, n = d + 2 + random() % 700, k = 1 + random() % d;
    const bool centred = random() % 3 != 0;
    const Rows rows = cloud(n, d, random);
    const Reference reference(rows, centred);
    folder.write("x.csv", csv(rows));
    for (const std::string& mode : kModes) {
      INFO(fmt::format("n={} d={} k={} {} centred={} seed={}", n, d, k, mode, centred, seed()));
      TestContext context({{"train", folder / "x.csv"}}, 1 + static_cast<int>(random() % 3));
      const auto model = train_on(context, {{"num_components", std::to_string(k)}, {"algorithm_mode", mode}, {"subtract_mean", centred ? "true" : "false"},
                                            {"extra_components", "20"}, {"mini_batch_size", std::to_string(1 + random() % 300)}});
      const Components& c = model->components();
      REQUIRE(c.k() == k);
      check_components(c, reference, 1e-6);  // with 20 extra ones the sketch is as wide as the data
      CHECK(c.total == Approx(reference.total).epsilon(1e-9));
      CHECK(c.rows == n);
      CHECK(std::is_sorted(c.values.begin(), c.values.end()));
      CHECK(c.mean.size() == (centred ? d : 0));
      for (std::size_t j = 0; j < c.mean.size(); ++j) CHECK(static_cast<double>(c.mean[j]) == Approx(reference.mean[j]).epsilon(1e-6));
      double left = reference.total;
      for (std::size_t i = 0; i < k; ++i) left -= reference.values[i];
      CHECK(context.metrics_kept.qualities.at("train:reconstruction_mse") == Approx(left / static_cast<double>(n)).margin(1e-8 * reference.total));
    }
  }
}

TEST_CASE("pca: a mean that is large beside the spread costs no digits", "[pca]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const TemporaryFolder folder;
  std::normal_distribution<float> normal;
  Rows rows(400, std::vector<float>(4));
  for (auto& row : rows)
    for (std::size_t j = 0; j < 4; ++j) row[j] = 1e6f + 4 * std::round(normal(random) * static_cast<float>(4 - j));
  folder.write("x.csv", csv(rows));
  for (const std::string& mode : kModes) {
    TestContext context({{"train", folder / "x.csv"}});
    check_components(train_on(context, {{"num_components", "4"}, {"algorithm_mode", mode}})->components(), Reference(rows), 1e-6);
  }
}

TEST_CASE("pca: the sketch comes near the exact components when it is narrower than the data", "[pca]") {
  std::mt19937 random(5);
  const TemporaryFolder folder;
  const Rows rows = cloud(4000, 60, random, 3, 0.93);
  folder.write("x.csv", csv(rows));
  const auto kept = [&](const Hyperparameters& values, double& own) {
    TestContext context({{"train", folder / "x.csv"}, {"test", folder / "x.csv"}});
    train_on(context, values);
    own = context.metrics_kept.qualities.at("train:explained_variance_ratio");
    return context.metrics_kept.qualities.at("test:explained_variance_ratio");
  };
  double exact_own = 0, own = 0;
  const double exact = kept({{"num_components", "8"}}, exact_own);
  CHECK(exact == Approx(exact_own).epsilon(1e-6));
  const double sketched = kept({{"num_components", "8"}, {"algorithm_mode", "randomized"}}, own);
  CHECK(sketched > exact * (1 - 1e-3));
  CHECK(sketched < exact * (1 + 1e-6));
  CHECK(own < exact * (1 + 1e-6));
  CHECK(own > exact * 0.95);
  const double poor = kept({{"num_components", "8"}, {"algorithm_mode", "randomized"}, {"extra_components", "0"}}, own);
  CHECK(poor > exact * 0.8);
}

TEST_CASE("pca: sparse rows give what dense ones give", "[pca]") {
  std::mt19937 random(seed());
  const TemporaryFolder folder;
  for (const double filled : {0.02, 0.15, 0.7}) {
    const Rows rows = holes(700, 40, filled, random);
    folder.write("sparse.jsonl", lines(rows, true));
    folder.write("dense.jsonl", lines(rows, false));
    const Reference reference(rows);
    for (const std::string& mode : kModes) {
      INFO(fmt::format("filled={} {} seed={}", filled, mode, seed()));
      const Hyperparameters values = {{"num_components", "3"}, {"algorithm_mode", mode}, {"extra_components", "4"}};
      TestContext one({{"train", folder / "sparse.jsonl"}}), two({{"train", folder / "dense.jsonl"}});
      const auto sparse = train_on(one, values), dense = train_on(two, values);
      CHECK(worst_difference(sparse->components().values, dense->components().values) < 1e-7 * dense->components().values.back());
      CHECK(worst_difference(doubles(sparse->components().vectors), doubles(dense->components().vectors)) < 1e-4);
      CHECK(sparse->components().total == Approx(reference.total).epsilon(1e-9));
      if (mode == "regular") check_components(sparse->components(), reference, 1e-6);
    }
  }
}

TEST_CASE("pca: weights count as repetitions", "[pca]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const TemporaryFolder folder;
  const Rows rows = cloud(200, 6, random);
  std::vector<float> weights(rows.size());
  Rows repeated;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    weights[i] = static_cast<float>(random() % 4);
    for (int r = 0; r < static_cast<int>(weights[i]); ++r) repeated.push_back(rows[i]);
  }
  folder.write("w.jsonl", lines(rows, false, weights));
  folder.write("s.jsonl", lines(rows, true, weights));
  const Reference reference(repeated);
  for (const std::string& mode : kModes) {
    for (const char* file : {"w.jsonl", "s.jsonl"}) {
      TestContext context({{"train", folder / file}});
      const auto model = train_on(context, {{"num_components", "4"}, {"algorithm_mode", mode}});
      check_components(model->components(), reference, 1e-6);
      CHECK(model->components().total == Approx(reference.total).epsilon(1e-9));
    }
  }
}

TEST_CASE("pca: the same bytes for any number of threads, and as if the device were another memory", "[pca]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const TemporaryFolder folder;
  folder.write("x.csv", csv(cloud(5000, 30, random)));
  folder.write("s.jsonl", lines(holes(1500, 60, 0.03, random), true));
  for (const std::string& mode : kModes) {
    for (const char* file : {"x.csv", "s.jsonl"}) {
      const auto train_with = [&](int threads, bool opaque) {
        TestContext context({{"train", folder / file}}, threads);
        if (opaque) context.use(std::make_unique<test::OpaqueBackend>(compute::make_cpu_backend(threads)));
        return bytes_of(*train_on(context, {{"num_components", "5"}, {"algorithm_mode", mode}}));
      };
      const std::string one = train_with(1, false);
      CHECK(train_with(2, false) == one);
      CHECK(train_with(3, false) == one);
      CHECK(train_with(2, true) == one);
    }
  }
}

TEST_CASE("pca: a run that was stopped goes on to the same bytes", "[pca]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const TemporaryFolder folder;
  folder.write("x.csv", csv(cloud(9000, 12, random)));
  folder.write("s.jsonl", lines(holes(9000, 60, 0.03, random), true));
  folder.write("t.csv", csv(cloud(50, 12, random)));
  for (const std::string& mode : kModes) {
    for (const char* file : {"x.csv", "s.jsonl"}) {
      std::map<std::string, std::string> channels{{"train", folder / file}};
      if (std::string(file) == "x.csv") channels["test"] = folder / "t.csv";
      const Hyperparameters values = {{"num_components", "4"}, {"algorithm_mode", mode}, {"extra_components", "3"}, {"mini_batch_size", "700"}};
      TestContext unbroken(channels);
      const std::string whole = bytes_of(*train_on(unbroken, values));
      for (const int at : {1, 2, unbroken.safe_points - 1, unbroken.safe_points}) {
        INFO(fmt::format("{} {} stopped at {} of {}", mode, file, at, unbroken.safe_points));
        TestContext broken(channels);
        broken.save_at = at;
        CHECK_THROWS_AS(train_on(broken, values), Error);
        const std::string bytes = job::write_checkpoint({{}, broken.saved});
        TestContext resumed(channels, 3);
        resumed.resume = job::read_checkpoint(bytes, "checkpoint").state;
        CHECK(bytes_of(*train_on(resumed, values)) == whole);
        CHECK(resumed.safe_points < unbroken.safe_points + 1);
      }
    }
  }
}

TEST_CASE("pca: half of the rows and then the others give the components of all", "[pca]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const TemporaryFolder folder;
  for (const bool sparse : {false, true}) {
    const Rows all = sparse ? holes(3000, 50, 0.04, random) : cloud(3000, 10, random);
    const Rows a(all.begin(), all.begin() + 1400), b(all.begin() + 1400, all.end());
    folder.write("all.jsonl", lines(all, sparse));
    folder.write("a.jsonl", lines(a, sparse));
    folder.write("b.jsonl", lines(b, sparse));
    for (const std::string& mode : kModes) {
      for (const char* centred : {"true", "false"}) {
        INFO(fmt::format("sparse={} {} subtract_mean={}", sparse, mode, centred));
        const Hyperparameters values = {{"num_components", "4"}, {"algorithm_mode", mode}, {"extra_components", "46"}, {"subtract_mean", centred}};
        TestContext first({{"train", folder / "a.jsonl"}}), whole({{"train", folder / "all.jsonl"}}), second({{"train", folder / "b.jsonl"}});
        const job::Model before = saved(*train_on(first, values));
        second.start = &before;
        const auto continued = train_on(second, values), together = train_on(whole, values);
        const Components &c = continued->components(), &t = together->components();
        CHECK(worst_difference(c.values, t.values) < 1e-9 * t.values.back());
        CHECK(worst_difference(doubles(c.vectors), doubles(t.vectors)) < 1e-6);
        CHECK(c.total == Approx(t.total).epsilon(1e-12));
        CHECK(c.rows == 3000);
      }
    }
  }
}

TEST_CASE("pca: what a start model cannot go on to is refused with both values", "[pca]") {
  std::mt19937 random(seed());
  const TemporaryFolder folder;
  folder.write("x.csv", csv(cloud(100, 40, random)));
  folder.write("narrow.csv", csv(cloud(100, 39, random)));
  TestContext first({{"train", folder / "x.csv"}}), sketched({{"train", folder / "x.csv"}});
  const job::Model exact = saved(*train_on(first, {{"num_components", "3"}}));
  const job::Model sketch = saved(*train_on(sketched, {{"num_components", "3"}, {"algorithm_mode", "randomized"}}));
  const auto refused = [&](const job::Model& model, const char* file, const Hyperparameters& values) {
    TestContext context({{"train", folder / file}});
    context.start = &model;
    return refusal(context, values);
  };
  CHECK_THAT(refused(exact, "narrow.csv", {{"num_components", "3"}}), Catch::Contains("40 features") && Catch::Contains("has 39"));
  CHECK_THAT(refused(exact, "x.csv", {{"num_components", "3"}, {"algorithm_mode", "randomized"}}),
             Catch::Contains("randomized") && Catch::Contains("regular"));
  CHECK_THAT(refused(sketch, "x.csv", {{"num_components", "3"}}), Catch::Contains("randomized") && Catch::Contains("regular"));
  CHECK_THAT(refused(sketch, "x.csv", {{"num_components", "5"}, {"algorithm_mode", "randomized"}}), Catch::Contains("15 rows") && Catch::Contains("has 13"));
  CHECK_THAT(refused(sketch, "x.csv", {{"num_components", "3"}, {"algorithm_mode", "randomized"}, {"subtract_mean", "false"}}),
             Catch::Contains("is false") && Catch::Contains("with true"));
  job::Model service;
  service.files["model_algo-1"] = exact.files.at("model_algo-1");
  CHECK_THAT(refused(service, "x.csv", {{"num_components", "3"}}), Catch::Contains("running sums"));
  const auto spoilt = [&](job::Model model, const char* name, std::size_t at, double value) {
    for (formats::NamedTensor& tensor : model.tensors) {
      if (tensor.name != name) continue;
      std::vector<double> numbers = tensor.as_f64();
      numbers.at(at) = value;
      tensor = formats::NamedTensor::f64(tensor.name, tensor.shape, numbers.data());
    }
    return model;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [at, value] : {std::pair{0, -1.0}, {1, 0.5}, {1, -3.0}, {1, 1e300}, {2, nan}}) {
    CAPTURE(at, value);
    CHECK_THAT(refused(spoilt(exact, "running.totals", at, value), "x.csv", {{"num_components", "3"}}), Catch::Contains("running.totals"));
  }
  for (const auto& [at, value] : {std::pair{1, -1.0}, {1, 1e9}, {2, -1.0}, {2, 1e300}}) {
    CAPTURE(at, value);
    CHECK_THAT(refused(spoilt(sketch, "running.shape", at, value), "x.csv", {{"num_components", "3"}, {"algorithm_mode", "randomized"}}),
               Catch::Contains("running.shape") && Catch::Contains("damaged"));
  }
  CHECK_THAT(refused(spoilt(exact, "running.scatter", 5, nan), "x.csv", {{"num_components", "3"}}), Catch::Contains("running.scatter"));
  // another number of components, and the mean kept or not, are no hindrance to exact sums
  TestContext more({{"train", folder / "x.csv"}});
  more.start = &exact;
  CHECK(train_on(more, {{"num_components", "7"}, {"subtract_mean", "false"}})->components().k() == 7);
}

TEST_CASE("pca: what the data do not allow is refused, what is odd is warned of", "[pca]") {
  std::mt19937 random(seed());
  const TemporaryFolder folder;
  folder.write("x.csv", csv(cloud(6, 8, random)));
  folder.write("one.csv", csv(cloud(1, 3, random)));
  TestContext context({{"train", folder / "x.csv"}});
  CHECK_THAT(refusal(context, {{"num_components", "9"}}), Catch::Contains("num_components") && Catch::Contains("8 features") && Catch::Contains("at most 8"));
  TestContext wrong({{"train", folder / "x.csv"}});
  CHECK_THAT(refusal(wrong, {{"num_components", "2"}, {"feature_dim", "7"}}), Catch::Contains("7") && Catch::Contains("8"));
  TestContext one({{"train", folder / "one.csv"}});
  CHECK_THAT(refusal(one, {{"num_components", "1"}}), Catch::Contains("one row"));
  TestContext raw({{"train", folder / "one.csv"}});
  CHECK(train_on(raw, {{"num_components", "1"}, {"subtract_mean", "false"}})->components().values[0] > 0);
  TestContext poor({{"train", folder / "x.csv"}});
  poor.limit = 1000;
  CHECK_THAT(refusal(poor, {{"num_components", "2"}}), Catch::Contains("randomized") && Catch::Contains("--memory-limit"));
  TestContext tight({{"train", folder / "x.csv"}});
  tight.limit = 1000;
  CHECK_THAT(refusal(tight, {{"num_components", "2"}, {"algorithm_mode", "randomized"}}), Catch::Contains("extra_components"));
  for (const std::string& mode : kModes) {
    TestContext odd({{"train", folder / "x.csv"}});
    const auto model = train_on(odd, {{"num_components", "8"}, {"algorithm_mode", mode}});
    CHECK(odd.logged("6 rows have no more than 6 components"));
    CHECK(odd.logged("mini_batch_size 500 is larger than the data"));
    const Components& c = model->components();
    CHECK(c.values[0] < 1e-5 * c.values[7]);
    CHECK(c.values[1] < 1e-5 * c.values[7]);  // centred: 6 rows make 5
    CHECK(c.values[3] > 1e-3 * c.values[7]);
    for (std::size_t i = 0; i < 8; ++i)
      for (std::size_t l = 0; l <= i; ++l) {
        double dot = 0;
        for (std::size_t j = 0; j < 8; ++j) dot += static_cast<double>(c.vectors[i * 8 + j]) * static_cast<double>(c.vectors[l * 8 + j]);
        CHECK(dot == Approx(i == l ? 1 : 0).margin(1e-5));
      }
  }
  TestContext stable({{"train", folder / "x.csv"}}), regular({{"train", folder / "x.csv"}});
  CHECK(bytes_of(*train_on(stable, {{"num_components", "2"}, {"algorithm_mode", "stable"}, {"extra_components", "3"}})) ==
        bytes_of(*train_on(regular, {{"num_components", "2"}})));
  CHECK(stable.logged("stable"));
  CHECK(stable.logged("extra_components is ignored"));
}

TEST_CASE("pca: projections are (x - mean) v, dense, sparse and of the service's artifact", "[pca]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const TemporaryFolder folder;
  const Rows rows = holes(300, 50, 0.04, random);
  folder.write("s.jsonl", lines(rows, true));
  folder.write("d.jsonl", lines(rows, false));
  for (const char* centred : {"true", "false"}) {
    TestContext context({{"train", folder / "s.jsonl"}});
    const auto trained = train_on(context, {{"num_components", "3"}, {"subtract_mean", centred}});
    job::Model model = saved(*trained), service;
    service.files["model_algo-1"] = model.files.at("model_algo-1");
    CHECK(algorithm().recognises(service));
    for (const job::Model* m : {&model, &service}) {
      const auto predictor = algorithm().load(*m);
      const Components& c = dynamic_cast<const PcaPredictor&>(*predictor).components();
      for (const char* file : {"s.jsonl", "d.jsonl"}) {
        TestContext reader({{"train", folder / file}});
        const auto stream = reader.open_table("train", {1000, 1, 0, {}});
        formats::Batch batch;
        REQUIRE(stream->next(batch));
        const auto scratch = predictor->make_scratch(reader.backend());
        formats::Prediction out;
        predictor->predict(reader.backend(), batch, {}, *scratch, out);
        REQUIRE(out.columns.size() == 1);
        CHECK(out.columns[0].name == "projection");
        CHECK(out.columns[0].list);
        REQUIRE(out.columns[0].values.size() == 900);
        double worst = 0;
        for (std::size_t i = 0; i < 300; ++i)
          for (std::size_t t = 0; t < 3; ++t) {
            double z = 0;
            for (std::size_t j = 0; j < 50; ++j) {
              z += (static_cast<double>(rows[i][j]) - (c.mean.empty() ? 0.0 : static_cast<double>(c.mean[j]))) * static_cast<double>(c.vectors[t * 50 + j]);
            }
            worst = std::max(worst, std::abs(z - static_cast<double>(out.columns[0].values[i * 3 + t])));
          }
        CHECK(worst < 1e-5);
      }
    }
  }
}

TEST_CASE("pca: the service's file holds mean, s and v, and damaged ones are refused", "[pca]") {
  std::mt19937 random(seed());
  const TemporaryFolder folder;
  folder.write("x.csv", csv(cloud(50, 5, random)));
  TestContext context({{"train", folder / "x.csv"}});
  const job::Model model = saved(*train_on(context, {{"num_components", "2"}}));
  const auto arrays = formats::read_ndarray_list(model.files.at("model_algo-1"), "model_algo-1");
  REQUIRE(arrays.size() == 3);
  CHECK(arrays[0].name == "mean");
  CHECK(arrays[0].shape == std::vector<std::uint64_t>{1, 5});
  CHECK(arrays[1].name == "s");
  CHECK(arrays[1].shape == std::vector<std::uint64_t>{2});
  CHECK(arrays[2].name == "v");
  CHECK(arrays[2].shape == std::vector<std::uint64_t>{5, 2});
  CHECK_THAT(model.files.at("model_algo-1.json"), Catch::Contains("ascending") && Catch::Contains("explained_variance_ratio"));
  job::Model centres;
  const float numbers[] = {1, 2, 3, 4};
  centres.files["model_algo-1"] = formats::write_ndarray_list({formats::NamedTensor::f32("", {2, 2}, numbers)});
  CHECK_FALSE(algorithm().recognises(centres));
  CHECK_THROWS_WITH(algorithm().load(centres), Catch::Contains("model_algo-1") && Catch::Contains("s (components)"));
  job::Model broken = model;
  broken.tensors.erase(std::find_if(broken.tensors.begin(), broken.tensors.end(), [](const auto& t) { return t.name == "singular_values"; }));
  CHECK_THROWS_WITH(algorithm().load(broken), Catch::Contains("singular_values"));
}

}  // namespace smtrain::pca
