#include "algos/factorization_machines/factorization_machines.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "algos/factorization_machines/predictor.h"
#include "algos/opaque_backend.h"
#include "algos/test_context.h"
#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "formats/archive/ndarray_list.h"
#include "formats/archive/zip.h"
#include "job/checkpoint_file.h"

namespace smtrain::fm {
namespace {

using Catch::Matchers::Contains;
using formats::NamedTensor;
using test::TemporaryFolder;
using test::TestContext;
using Hyperparameters = std::map<std::string, std::string>;

unsigned seed() {
  static const unsigned value = std::random_device{}();
  return value;
}

/// Rows of a table with one label each; zeros are what sparse files leave out.
struct Sample {
  std::vector<std::vector<float>> rows;
  std::vector<float> labels;
};

Sample random_sample(std::mt19937& random, std::size_t n, std::size_t d, double density, Task task) {
  std::uniform_real_distribution<double> uniform(0, 1);
  std::normal_distribution<double> normal;
  Sample sample;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<float> row(d);
    for (float& x : row) x = uniform(random) < density ? static_cast<float>(std::round(1000 * normal(random)) / 1000) : 0;
    sample.labels.push_back(task == Task::regressor ? static_cast<float>(std::round(100 * normal(random)) / 100 + 2) : static_cast<float>(random() % 2));
    sample.rows.push_back(row);
  }
  return sample;
}

std::string libsvm(const Sample& sample, std::size_t first = 0, std::size_t last = 1u << 30) {
  std::string text;
  for (std::size_t i = first; i < std::min(last, sample.rows.size()); ++i) {
    text += format_number(sample.labels[i]);
    for (std::size_t j = 0; j < sample.rows[i].size(); ++j) {
      if (sample.rows[i][j] != 0) text += fmt::format(" {}:{}", j, format_number(sample.rows[i][j]));
    }
    text += "\n";
  }
  return text;
}

std::string csv(const Sample& sample) {
  std::string text;
  for (std::size_t i = 0; i < sample.rows.size(); ++i) {
    text += format_number(sample.labels[i]);
    for (const float x : sample.rows[i]) text += "," + format_number(x);
    text += "\n";
  }
  return text;
}

job::Settings settings_of(const Hyperparameters& values, Log& log) {
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  return job::resolve(algorithm().description().hyperparameters, given, log);
}

std::unique_ptr<job::Predictor> train_on(TestContext& context, const Hyperparameters& values) {
  context.csv_type = "text/csv;label_size=1";
  job::Settings settings = settings_of(values, context.log_kept);
  return algorithm().train(context, settings);
}

const FmPredictor& fm_of(const job::Predictor& predictor) { return dynamic_cast<const FmPredictor&>(predictor); }

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

job::Model saved(const job::Predictor& predictor, const char* type = "regressor") {
  job::Model model;
  model.manifest.algorithm = "factorization-machines";
  model.manifest.hyperparameters["predictor_type"] = type;
  predictor.save(model);
  return model;
}

/// All numbers of a model.
std::vector<float> numbers_of(const job::Predictor& predictor) {
  const FmPredictor& model = fm_of(predictor);
  std::vector<float> all = *model.weights().rows;
  all.push_back(model.weights().w0);
  if (!model.moments()) return all;
  all.insert(all.end(), model.moments()->m.begin(), model.moments()->m.end());
  all.insert(all.end(), model.moments()->v.begin(), model.moments()->v.end());
  all.push_back(model.moments()->m0);
  all.push_back(model.moments()->v0);
  return all;
}

// ---- specification 4.1 to 4.5 in double precision and plain loops

struct Reference {
  std::size_t d, k;
  Task task;
  double lr[3], wd[3], clip, eps, rescale;  // factors, linear, bias; rescale 0: one over the rows
  bool lazy;
  std::vector<double> p, m, v;              // (d, k + 1) and then w0
  std::uint64_t t = 0;

  double score(const std::vector<float>& x, std::vector<double>& s) const {
    s.assign(k, 0.0);
    std::vector<double> q(k, 0.0);
    double f = p.back();
    for (std::size_t i = 0; i < d; ++i) {
      const double xi = static_cast<double>(x[i]);
      f += p[i * (k + 1) + k] * xi;
      for (std::size_t c = 0; c < k; ++c) {
        s[c] += p[i * (k + 1) + c] * xi;
        q[c] += p[i * (k + 1) + c] * p[i * (k + 1) + c] * xi * xi;
      }
    }
    for (std::size_t c = 0; c < k; ++c) f += 0.5 * (s[c] * s[c] - q[c]);
    return f;
  }

  void batch(const Sample& sample, std::size_t first, std::size_t last) {
    std::vector<double> g(p.size(), 0.0), s;
    std::vector<bool> occurs(d, !lazy);
    for (std::size_t r = first; r < last; ++r) {
      const double f = score(sample.rows[r], s), y = static_cast<double>(sample.labels[r]);
      const double delta = (task == Task::regressor ? f : 1 / (1 + std::exp(-f))) - y;
      g.back() += delta;
      for (std::size_t i = 0; i < d; ++i) {
        const double x = static_cast<double>(sample.rows[r][i]);
        if (x == 0) continue;
        occurs[i] = true;
        g[i * (k + 1) + k] += delta * x;
        for (std::size_t c = 0; c < k; ++c) g[i * (k + 1) + c] += delta * (x * s[c] - p[i * (k + 1) + c] * x * x);
      }
    }
    ++t;
    const double scale = rescale != 0 ? rescale : 1.0 / static_cast<double>(last - first);
    for (std::size_t at = 0; at < p.size(); ++at) {
      if (at + 1 < p.size() && !occurs[at / (k + 1)]) continue;
      const std::size_t group = at + 1 == p.size() ? 2 : at % (k + 1) == k ? 1 : 0;
      double step = scale * g[at] + wd[group] * p[at];
      if (clip > 0) step = std::clamp(step, -clip, clip);
      m[at] = 0.9 * m[at] + 0.1 * step;
      v[at] = 0.999 * v[at] + 0.001 * step * step;
      const double n = static_cast<double>(t);
      p[at] -= lr[group] * std::sqrt(1 - std::pow(0.999, n)) / (1 - std::pow(0.9, n)) * m[at] / (std::sqrt(v[at]) + eps);
    }
  }
};

/// The start that these hyperparameters give: what training at rates of 0 leaves.
std::vector<double> start_of(const std::map<std::string, std::string>& channels, Hyperparameters values) {
  TestContext context(channels);
  for (const char* name : {"bias_lr", "linear_lr", "factors_lr"}) values[name] = "0";
  values["epochs"] = "1";
  const auto model = train_on(context, values);
  std::vector<double> start(fm_of(*model).weights().rows->begin(), fm_of(*model).weights().rows->end());
  start.push_back(static_cast<double>(fm_of(*model).weights().w0));
  return start;
}

struct Shape {
  std::size_t n, d, k, batch;
  double density;
  Task task;
  double clip, rescale;
  bool sparse;
};

// The most that a parameter is away from the reference's, in units of what the rates let it move.
double distance_to_reference(std::mt19937& random, const Shape& shape) {
  TemporaryFolder folder;
  Sample sample = random_sample(random, shape.n, shape.d, shape.density, shape.task);
  sample.rows[0][shape.d - 1] = 1;  // libsvm's width is that of the last feature that occurs
  const auto path = shape.sparse ? folder.put("a.libsvm", libsvm(sample)) : folder.put("a.csv", csv(sample));
  const std::map<std::string, std::string> channels{{"train", path.string()}};
  Hyperparameters hp{{"num_factors", std::to_string(shape.k)}, {"predictor_type", shape.task == Task::regressor ? "regressor" : "binary_classifier"},
                     {"mini_batch_size", std::to_string(shape.batch)}, {"epochs", "3"}, {"factors_lr", "0.01"}, {"linear_lr", "0.02"},
                     {"bias_lr", "0.05"}, {"factors_wd", "0.01"}, {"linear_wd", "0.02"}, {"bias_wd", "0.03"}, {"factors_init_sigma", "0.3"},
                     {"eps", "0.001"}};
  if (shape.clip > 0) hp["clip_gradient"] = format_number(shape.clip);
  if (shape.rescale > 0) hp["rescale_grad"] = format_number(shape.rescale);
  Reference reference{shape.d, shape.k, shape.task, {0.01, 0.02, 0.05}, {0.01, 0.02, 0.03}, shape.clip, 0.001, shape.rescale, shape.sparse, {}, {}, {}};
  reference.p = start_of(channels, hp);
  reference.m.assign(reference.p.size(), 0.0);
  reference.v = reference.m;
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (std::size_t first = 0; first < shape.n; first += shape.batch) reference.batch(sample, first, std::min(first + shape.batch, shape.n));
  }
  TestContext context(channels);
  context.use(std::make_unique<test::OpaqueBackend>(compute::make_cpu_backend(2)));
  const auto model = train_on(context, hp);
  const std::vector<float> got = numbers_of(*model);
  double worst = 0;
  for (std::size_t i = 0; i < reference.p.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(got[i]) - reference.p[i]));
  return worst / (0.01 * static_cast<double>(reference.t));
}

}  // namespace

TEST_CASE("factorization machines: training equals a plain double-precision reference", "[algos][fm]") {
  std::mt19937 random(seed());
  INFO("seed " << seed());
  const Shape shapes[] = {{60, 12, 3, 10, 0.3, Task::regressor, 0, 0, true},     {60, 12, 3, 10, 0.3, Task::binary_classifier, 0, 0, true},
                          {47, 30, 17, 9, 0.1, Task::regressor, 0.5, 0, true},   {47, 30, 16, 9, 0.1, Task::binary_classifier, 0.1, 0.2, true},
                          {40, 6, 5, 7, 0.6, Task::regressor, 0, 0.05, false},   {40, 6, 1, 40, 0.6, Task::binary_classifier, 0, 0, false},
                          {1 + random() % 80, 1 + random() % 40, 1 + random() % 70, 1 + random() % 30, 0.2, Task::regressor, 0, 0, true}};
  for (const Shape& shape : shapes) {
    INFO("n=" << shape.n << " d=" << shape.d << " k=" << shape.k << " batch=" << shape.batch << " sparse=" << shape.sparse);
    CHECK(distance_to_reference(random, shape) < 2e-3);
  }
}

TEST_CASE("factorization machines: the same bytes for any number of threads and any pieces of a mini-batch", "[algos][fm]") {
  std::mt19937 random(11);
  TemporaryFolder folder;
  const std::string data = folder.put("a.libsvm", libsvm(random_sample(random, 700, 90, 0.1, Task::regressor))).string();
  const Hyperparameters hp{{"num_factors", "20"}, {"predictor_type", "regressor"}, {"mini_batch_size", "300"}, {"epochs", "2"}, {"factors_lr", "0.01"}};
  const auto trained = [&](int threads, std::uint64_t piece_bytes, std::uint64_t run_seed) {
    TestContext context({{"train", data}}, threads);
    context.piece_bytes = piece_bytes;
    context.run_seed = run_seed;
    return numbers_of(*train_on(context, hp));
  };
  const std::vector<float> one = trained(1, 1 << 20, 1);
  for (const int threads : {2, 3}) CHECK((trained(threads, 1 << 20, 1) == one));
  CHECK((trained(1, 1 << 20, 2) != one));
  const std::vector<float> pieces = trained(2, 2000, 1);
  double worst = 0;
  for (std::size_t i = 0; i < one.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(pieces[i] - one[i])));
  CHECK(worst < 1e-4);
}

TEST_CASE("factorization machines: dense rows are trained as sparse ones when every feature occurs", "[algos][fm]") {
  std::mt19937 random(12);
  TemporaryFolder folder;
  const Sample sample = random_sample(random, 80, 5, 0.9, Task::regressor);
  const Hyperparameters hp{{"num_factors", "4"}, {"predictor_type", "regressor"}, {"mini_batch_size", "40"}, {"epochs", "3"}, {"factors_lr", "0.01"}};
  TestContext dense({{"train", folder.put("a.csv", csv(sample)).string()}}), sparse({{"train", folder.put("a.libsvm", libsvm(sample)).string()}});
  CHECK((numbers_of(*train_on(dense, hp)) == numbers_of(*train_on(sparse, hp))));
  CHECK(dense.logged("[Dense network]"));
  CHECK(sparse.logged("[Sparse network] Building a sparse network."));
}

TEST_CASE("factorization machines: features that do not occur keep their start in a sparse network", "[algos][fm]") {
  TemporaryFolder folder;
  const std::string data = folder.put("a.libsvm", "1 0:1 2:1\n2 0:1 4:1\n").string();
  const Hyperparameters hp{{"num_factors", "3"}, {"predictor_type", "regressor"}, {"epochs", "5"}, {"factors_lr", "0.1"}, {"factors_wd", "0.1"}};
  const std::vector<double> start = start_of({{"train", data}}, hp);
  TestContext context({{"train", data}});
  const std::vector<float> got = numbers_of(*train_on(context, hp));
  for (const std::size_t row : {1, 3}) {
    for (std::size_t j = row * 4; j < row * 4 + 4; ++j) CHECK(static_cast<double>(got[j]) == start[j]);
  }
  CHECK(static_cast<double>(got[0]) != start[0]);
}

namespace {

// What a run comes to: its model and its measurements.
struct Trace {
  std::vector<float> numbers;
  std::map<std::string, double> qualities;
  bool operator==(const Trace&) const = default;
};

// nullopt when there is no such safe point.
std::optional<Trace> broken_at(int at, const std::map<std::string, std::string>& channels, const Hyperparameters& hp, const job::Model* start) {
  TestContext first(channels), second(channels);
  for (TestContext* context : {&first, &second}) {
    context->piece_bytes = 700;
    context->start = start;
  }
  first.save_at = at;
  try {
    train_on(first, hp);
    return std::nullopt;
  } catch (const Error& error) {
    REQUIRE(error.fault() == Fault::stopped);
  }
  second.resume = job::read_checkpoint(job::write_checkpoint({{}, first.saved}), "saved").state;
  second.metrics_kept = first.metrics_kept;
  const auto model = train_on(second, hp);
  return Trace{numbers_of(*model), second.metrics_kept.qualities};
}

}  // namespace

TEST_CASE("factorization machines: a run broken at any safe point goes on to the same bytes", "[algos][fm]") {
  std::mt19937 random(13);
  TemporaryFolder folder;
  const std::string data = folder.put("a.libsvm", libsvm(random_sample(random, 90, 20, 0.3, Task::binary_classifier))).string();
  const std::map<std::string, std::string> channels{{"train", data}, {"test", data}};
  const Hyperparameters hp{{"num_factors", "5"}, {"predictor_type", "binary_classifier"}, {"mini_batch_size", "40"}, {"epochs", "3"},
                           {"factors_lr", "0.02"}, {"batch_metrics_publish_interval", "2"}};
  TestContext before(channels);
  const job::Model model = saved(*train_on(before, hp), "binary_classifier");
  for (const job::Model* start : {static_cast<const job::Model*>(nullptr), &model}) {
    TestContext whole(channels);
    whole.piece_bytes = 700;
    whole.start = start;
    const auto predictor = train_on(whole, hp);
    const Trace expected{numbers_of(*predictor), whole.metrics_kept.qualities};
    int points = 0;
    for (int at = 1;; ++at, ++points) {
      const std::optional<Trace> got = broken_at(at, channels, hp, start);
      if (!got) break;
      INFO("safe point " << at);
      CHECK((*got == expected));
    }
    CHECK(points > 9);
  }
}

TEST_CASE("factorization machines: two epochs, and one after a saved one, are the same", "[algos][fm]") {
  std::mt19937 random(14);
  TemporaryFolder folder;
  const std::map<std::string, std::string> channels{{"train", folder.put("a.libsvm", libsvm(random_sample(random, 120, 30, 0.2, Task::regressor))).string()}};
  Hyperparameters hp{{"num_factors", "6"}, {"predictor_type", "regressor"}, {"mini_batch_size", "30"}, {"epochs", "2"}, {"factors_lr", "0.02"}};
  TestContext both(channels), first(channels), second(channels);
  const std::vector<float> expected = numbers_of(*train_on(both, hp));
  hp["epochs"] = "1";
  const job::Model model = saved(*train_on(first, hp));
  second.start = &model;
  CHECK((numbers_of(*train_on(second, hp)) == expected));
}

TEST_CASE("factorization machines: a model that fits another run is refused with both values", "[algos][fm]") {
  TemporaryFolder folder;
  const std::string data = folder.put("a.libsvm", "1 0:1 2:1\n0 0:1 4:1\n").string(), wide = folder.put("b.libsvm", "1 0:1 7:1\n").string();
  const Hyperparameters hp{{"num_factors", "3"}, {"predictor_type", "regressor"}};
  TestContext context({{"train", data}});
  const job::Model model = saved(*train_on(context, hp));
  const auto refused = [&](const std::string& path, Hyperparameters values) {
    TestContext next({{"train", path}});
    next.start = &model;
    return refusal(next, values);
  };
  CHECK_THAT(refused(wide, hp), Contains("trained on 5 features, the train channel has 8"));
  CHECK_THAT(refused(data, {{"num_factors", "4"}, {"predictor_type", "regressor"}}), Contains("is 4, but the start model has 3 factors"));
  CHECK_THAT(refused(data, {{"num_factors", "3"}, {"predictor_type", "binary_classifier"}}), Contains("is binary_classifier, but the start model is a regressor"));
}

TEST_CASE("factorization machines: what cannot be trained is refused", "[algos][fm]") {
  TemporaryFolder folder;
  const auto refused = [&](const char* name, const std::string& text, Hyperparameters hp) {
    hp.try_emplace("num_factors", "2");
    hp.try_emplace("predictor_type", "binary_classifier");
    TestContext context({{"train", folder.put(name, text).string()}});
    return refusal(context, hp);
  };
  CHECK_THAT(refused("a.libsvm", "1 0:1\n-1 0:1\n", {}), Contains("a.libsvm:2: label -1.0 is not 0 or 1"));
  CHECK_THAT(refused("a.libsvm", "1 0:1\n-1 0:1\n", {}), Contains("labels of -1 and 1 have to become 0 and 1"));
  CHECK_THAT(refused("c.libsvm", "1e30 0:1e30\n2 0:1\n", {{"predictor_type", "regressor"}}), Contains("the loss is not finite at epoch 1, mini-batch 1"));
  CHECK_THAT(refused("a.libsvm", "1 0:1\n", {{"factors_init_method", "uniform"}}), Contains("factors_init_scale: is missing"));
  CHECK_THAT(refused("a.libsvm", "1 0:1\n", {{"bias_init_method", "constant"}}), Contains("bias_init_value: is missing"));
  CHECK_THAT(refused("a.libsvm", "1 0:1\n", {{"factors_init_sigma", "0"}}), Contains("num_factors=2 useless"));
  CHECK_THAT(refused("a.libsvm", "1 0:1\n", {{"factors_lr", "-1"}}), Contains("factors_lr"));
  TestContext small({{"train", folder.put("a.libsvm", "1 0:1 1000000:1\n").string()}});
  small.limit = 1 << 20;
  CHECK_THAT(refusal(small, {{"num_factors", "2"}, {"predictor_type", "regressor"}}), Contains("need 45.8 MiB of memory"));
  TestContext unlabelled({{"train", folder.put("b.jsonl", "{\"features\":[1,2]}\n").string()}});
  CHECK_THAT(refusal(unlabelled, {{"num_factors", "2"}, {"predictor_type", "regressor"}}), Contains("rows have no label"));
}

TEST_CASE("factorization machines: what has no effect, and what will hardly learn, is said", "[algos][fm]") {
  TemporaryFolder folder;
  TestContext context({{"train", folder.put("a.libsvm", "1 0:1 2:1\n0 0:1 4:1\n").string()}});
  train_on(context, {{"num_factors", "2"}, {"predictor_type", "regressor"}, {"factors_init_method", "constant"}, {"factors_init_value", "0.5"},
                     {"linear_init_scale", "1"}, {"epochs", "3"}});
  CHECK(context.logged("linear_init_scale has no effect: linear_init_method is normal"));
  CHECK(context.logged("stay alike, as if num_factors were 1"));
  CHECK(context.logged("factors_lr = 0.0001 lets parameters move by about 0.0003"));
  CHECK(context.logged("norms of parameters"));
  TestContext single({{"train", folder.put("a.libsvm", "1 0:1 2:1\n0 0:1 4:1\n").string()}});
  train_on(single, {{"num_factors", "1"}, {"predictor_type", "regressor"}, {"epochs", "5"}, {"factors_lr", "0"}, {"linear_lr", "0"}, {"bias_lr", "0"}});
  CHECK(single.logged("interactions of rank 1"));
  CHECK(single.logged("the loss moved by less than 1 %"));
}

TEST_CASE("factorization machines: metrics of training and of the test channel", "[algos][fm]") {
  TemporaryFolder folder;
  const std::string data = folder.put("a.libsvm", "1 0:1\n1 1:1\n0 2:1\n0 3:1\n").string();
  const Hyperparameters still{{"num_factors", "1"}, {"factors_lr", "0"}, {"linear_lr", "0"}, {"bias_lr", "0"}, {"linear_init_sigma", "0"},
                              {"bias_init_method", "constant"}, {"bias_init_value", "0.25"}};
  Hyperparameters regress = still, classify = still;
  regress["predictor_type"] = "regressor";
  classify["predictor_type"] = "binary_classifier";
  TestContext a({{"train", data}, {"test", data}}), b({{"train", data}, {"test", data}});
  train_on(a, regress);
  // Errors of 0.25 and 0.75 twice each.
  CHECK(a.metrics_kept.qualities.at("train:mse") == Approx(0.3125));
  CHECK(a.metrics_kept.qualities.at("train:rmse") == Approx(std::sqrt(0.3125)));
  CHECK(a.metrics_kept.qualities.at("train:absolute_loss") == Approx(0.5));
  CHECK(a.metrics_kept.qualities.at("test:rmse") == Approx(std::sqrt(0.3125)));
  train_on(b, classify);
  const double p = 1 / (1 + std::exp(-0.25));
  for (const char* channel : {"train:", "test:"}) {
    const std::string at(channel);
    CHECK(b.metrics_kept.qualities.at(at + "binary_classification_accuracy") == 0.5);
    CHECK(b.metrics_kept.qualities.at(at + "binary_classification_cross_entropy") == Approx(-(std::log(p) + std::log(1 - p)) / 2));
    CHECK(b.metrics_kept.qualities.at(at + "binary_f_1.000") == Approx(2.0 / 3));
  }
}

namespace {

formats::Batch dense_batch(const std::vector<float>& rows, std::size_t n) {
  formats::Batch batch;
  batch.rows = n;
  batch.cols = batch.ld = rows.size() / n;
  batch.dense = rows.data();
  return batch;
}

formats::Prediction answers(const job::Predictor& model, const std::vector<float>& rows, std::size_t n) {
  const auto backend = compute::make_cpu_backend(1);
  const auto scratch = model.make_scratch(*backend);
  formats::Prediction out;
  model.predict(*backend, dense_batch(rows, n), {}, *scratch, out);
  return out;
}

// d = 3, k = 2.
FmPredictor small_model(Task task) {
  Weights weights{3, 2, 0.5f};
  *weights.rows = {1, 2, 0.1f, -1, 0.5f, 0.2f, 3, 1, -0.3f};
  return {task, std::move(weights), std::nullopt};
}

}  // namespace

TEST_CASE("factorization machines: answers by hand, and after saving and loading", "[algos][fm]") {
  const std::vector<float> rows = {1, 0, 2, 0, 0, 0, 1, 1, 0};
  // 0.5 + 0.1 - 0.6 + 2 <v0, v2> = 10; the bias; 0.5 + 0.1 + 0.2 + <v0, v1> = 0.8.
  const std::vector<float> f = {10, 0.5f, 0.8f};
  for (const Task task : {Task::regressor, Task::binary_classifier}) {
    const FmPredictor model = small_model(task);
    const char* type = task == Task::regressor ? "regressor" : "binary_classifier";
    job::Model ours = saved(model, type), service = ours;
    service.manifest = {};
    service.tensors.clear();
    CHECK(recognises(service));
    for (const job::Predictor* p : {static_cast<const job::Predictor*>(&model), static_cast<const job::Predictor*>(load(ours).release()),
                                    static_cast<const job::Predictor*>(load(service).release())}) {
      const formats::Prediction out = answers(*p, rows, 3);
      REQUIRE(out.columns.size() == (task == Task::regressor ? 1 : 2));
      for (std::size_t i = 0; i < 3; ++i) {
        const double expected = task == Task::regressor ? static_cast<double>(f[i]) : 1 / (1 + std::exp(-static_cast<double>(f[i])));
        CHECK(out.columns[0].values[i] == Approx(expected));
        if (task == Task::binary_classifier) CHECK(out.columns[1].values[i] == 1);
      }
      if (task == Task::binary_classifier) CHECK(out.columns[1].integer);
      if (p != &model) delete p;
    }
  }
}

TEST_CASE("factorization machines: the service's model of a dense network is transposed", "[algos][fm]") {
  const std::vector<float> v = {1, -1, 3, 2, 0.5f, 1}, w = {0.1f, 0.2f, -0.3f}, w0 = {0.5f};
  const std::string params = formats::write_ndarray_list({NamedTensor::f32("arg:v", {2, 3}, v.data()),
                                                          NamedTensor::f32("arg:Linear_Plus_Bias_weight", {1, 3}, w.data()),
                                                          NamedTensor::f32("arg:Linear_Plus_Bias_bias", {1}, w0.data())});
  job::Model model;
  model.files["model_algo-1"] = formats::write_zip({{"symbol.json", "{}"}, {"params", params}, {"meta.json", R"({"training_parameters":{"predictor_type":"regressor"}})"}});
  const auto loaded = load(model);
  CHECK(*loaded->weights().rows == *small_model(Task::regressor).weights().rows);
  CHECK(loaded->weights().w0 == 0.5f);
}

TEST_CASE("factorization machines: damaged models and those of others are refused", "[algos][fm]") {
  job::Model model = saved(small_model(Task::regressor));
  const auto refused = [](const job::Model& m) {
    try {
      (void)load(m);
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::user);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  job::Model without = model;
  std::erase_if(without.tensors, [](const NamedTensor& t) { return t.name == "w1_weight"; });
  CHECK_THAT(refused(without), Contains("array \"w1_weight\" is missing"));
  job::Model infinite = model;
  const float bad = INFINITY;
  std::memcpy(infinite.tensors[0].data.data(), &bad, sizeof(bad));
  CHECK_THAT(refused(infinite), Contains("not finite"));
  job::Model other;
  other.files["model_algo-1"] = formats::write_zip({{"mx-mod-symbol.json", "{}"}, {"mx-mod-0000.params", ""}, {"additional-params.json", "{}"}});
  CHECK_FALSE(recognises(other));
  CHECK_THAT(refused(other), Contains("neither a manifest.json nor a model_algo-1 that is a zip archive of symbol.json"));
  other.files["model_algo-1"] = "PK\3\4 and nothing of the kind";
  CHECK_FALSE(recognises(other));
}

TEST_CASE("factorization machines: the best candidates are those of every score", "[algos][fm]") {
  std::mt19937 random(15);
  const std::size_t d = 40, k = 5, n = 30;
  std::normal_distribution<float> normal;
  Weights weights{d, k, 0.25f};
  weights.rows->resize(d * (k + 1));
  for (float& x : *weights.rows) x = normal(random);
  const FmPredictor model(Task::regressor, std::move(weights), std::nullopt);
  std::vector<float> rows(n * d);
  for (float& x : rows) x = random() % 3 == 0 ? normal(random) : 0;
  const auto backend = compute::make_cpu_backend(2);
  const auto scratch = model.make_scratch(*backend);
  formats::Prediction best;
  const job::Candidates candidates{10, 29, 4};
  REQUIRE(model.ranker() != nullptr);
  model.ranker()->rank(*backend, dense_batch(rows, n), candidates, *scratch, best);
  REQUIRE(best.columns.size() == 2);
  CHECK((best.columns[0].integer && best.columns[0].width == 4));
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<float> with(20 * d);
    for (std::size_t c = 0; c < 20; ++c) {
      std::copy_n(rows.data() + i * d, d, with.data() + c * d);
      std::fill_n(with.data() + c * d + 10, 20, 0.0f);
      with[c * d + 10 + c] = 1;
    }
    std::vector<float> score = answers(model, with, 20).columns[0].values;
    for (std::size_t t = 0; t < 4; ++t) {
      const auto top = std::max_element(score.begin(), score.end());
      CHECK(best.columns[0].values[i * 4 + t] == static_cast<float>(10 + (top - score.begin())));
      CHECK(best.columns[1].values[i * 4 + t] == Approx(*top).margin(1e-4));
      *top = -1e30f;
    }
  }
}

}  // namespace smtrain::fm
