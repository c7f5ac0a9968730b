#include "algos/linear_learner/predictor.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "algos/linear_learner/artifact.h"
#include "base/error.h"
#include "formats/archive/ndarray_list.h"
#include "formats/archive/zip.h"

namespace smtrain::linear {
namespace {

using Catch::Matchers::Contains;
using formats::Batch;
using formats::NamedTensor;

LinearModel model_of(PredictorType type, std::size_t classes, std::size_t d, unsigned seed = 3) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  LinearModel m;
  m.predictor_type = type;
  m.loss = losses_of(type).front();
  m.classes = classes;
  m.d = d;
  m.weights.resize(classes * d);
  m.bias.resize(classes);
  for (float& w : m.weights) w = normal(random);
  for (float& b : m.bias) b = normal(random);
  return m;
}

// Rows of which about one number in three is not zero; dense and sparse forms of the same.
struct Rows {
  std::size_t n, d;
  std::vector<float> dense, values;
  std::vector<std::uint64_t> indptr{0};
  std::vector<std::uint32_t> indices;

  Rows(std::size_t rows, std::size_t cols, unsigned seed = 5) : n(rows), d(cols), dense(rows * cols) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        if (random() % 3 != 0) continue;
        dense[i * d + j] = normal(random);
        indices.push_back(static_cast<std::uint32_t>(j));
        values.push_back(dense[i * d + j]);
      }
      indptr.push_back(indices.size());
    }
  }
  Batch dense_batch(std::size_t first, std::size_t count) const {
    Batch b;
    b.rows = count;
    b.cols = b.ld = d;
    b.dense = dense.data() + first * d;
    return b;
  }
  Batch sparse_batch(std::size_t first, std::size_t count) const {
    Batch b;
    b.rows = count;
    b.cols = d;
    b.indptr = indptr.data() + first;
    b.indices = indices.data() + indptr[first];
    b.values = values.data() + indptr[first];
    return b;
  }
};

formats::Prediction answers(const LinearPredictor& predictor, const Batch& batch, int threads = 2) {
  const auto backend = compute::make_cpu_backend(threads);
  const auto scratch = predictor.make_scratch(*backend);
  formats::Prediction out;
  predictor.predict(*backend, batch, {}, *scratch, out);
  return out;
}

std::vector<float> scores(const LinearPredictor& predictor, const Batch& batch, int threads = 2) {
  const auto backend = compute::make_cpu_backend(threads);
  const auto scratch = predictor.make_scratch(*backend);
  std::vector<float> f;
  predictor.raw_scores(*backend, batch, *scratch, f);
  return f;
}

double exact(const LinearModel& m, const Rows& rows, std::size_t i, std::size_t c) {
  double f = m.bias[c];
  for (std::size_t j = 0; j < m.d; ++j) f += double(m.weights[c * m.d + j]) * double(rows.dense[i * m.d + j]);
  return f;
}

TEST_CASE("linear-learner predictor: scores of dense and sparse rows are b + w x", "[algos][linear]") {
  const Rows rows(600, 40);
  for (std::size_t classes : {1, 4}) {
    const LinearPredictor p(
        model_of(classes == 1 ? PredictorType::regressor : PredictorType::multiclass_classifier, classes, 40));
    const std::vector<float> dense = scores(p, rows.dense_batch(0, 600)), sparse = scores(p, rows.sparse_batch(0, 600));
    for (std::size_t i = 0; i < 600; ++i) {
      for (std::size_t c = 0; c < classes; ++c) {
        const double f = exact(p.model(), rows, i, c);
        CHECK(dense[i * classes + c] == Approx(f).margin(1e-5));
        CHECK(sparse[i * classes + c] == Approx(f).margin(2e-6));
      }
    }
  }
}

TEST_CASE("linear-learner predictor: a row's answer depends neither on its neighbours nor on threads", "[algos][linear]") {
  const Rows rows(700, 33);
  const LinearPredictor p(model_of(PredictorType::multiclass_classifier, 3, 33));
  const std::vector<float> dense = scores(p, rows.dense_batch(0, 700), 1), sparse = scores(p, rows.sparse_batch(0, 700), 1);
  CHECK(scores(p, rows.dense_batch(0, 700), 4) == dense);
  CHECK(scores(p, rows.sparse_batch(0, 700), 4) == sparse);
  for (std::size_t i : {0, 1, 17, 699}) {
    const std::vector<float> alone = scores(p, rows.dense_batch(i, 1)), sparse_alone = scores(p, rows.sparse_batch(i, 1));
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(alone[c] == dense[i * 3 + c]);
      CHECK(sparse_alone[c] == sparse[i * 3 + c]);
    }
  }
}

TEST_CASE("linear-learner predictor: a binary model answers a probability and a label by its own threshold", "[algos][linear]") {
  LinearModel m = model_of(PredictorType::binary_classifier, 1, 1);
  m.weights = {1};
  m.bias = {0};
  m.threshold = 0.7;
  const std::vector<float> x{-1, 0.8f, 0.9f};
  Batch batch;
  batch.rows = 3;
  batch.cols = batch.ld = 1;
  batch.dense = x.data();
  const formats::Prediction out = answers(LinearPredictor(m), batch);
  REQUIRE(out.columns.size() == 2);
  CHECK(out.columns[0].name == "score");
  CHECK_FALSE(out.columns[0].list);
  CHECK(out.columns[0].values[0] == Approx(1 / (1 + std::exp(1.0))));
  CHECK(out.columns[1].name == "predicted_label");
  CHECK(out.columns[1].integer);
  CHECK(out.columns[1].values == std::vector<float>{0, 0, 1});  // 0.69 and 0.71

  m.loss = Loss::hinge_loss;
  m.threshold = 0.85;
  const formats::Prediction hinge = answers(LinearPredictor(m), batch);
  CHECK(hinge.columns[0].values == x);
  CHECK(hinge.columns[1].values == std::vector<float>{0, 0, 1});
}

TEST_CASE("linear-learner predictor: several classes answer probabilities and the best class, regression a number",
          "[algos][linear]") {
  LinearModel m = model_of(PredictorType::multiclass_classifier, 3, 1);
  m.weights = {1, 2, -1};
  m.bias = {0, -0.5, 0};
  const std::vector<float> x{1, -1};
  Batch batch;
  batch.rows = 2;
  batch.cols = batch.ld = 1;
  batch.dense = x.data();
  const formats::Prediction out = answers(LinearPredictor(m), batch);
  REQUIRE(out.columns.size() == 2);
  CHECK(out.columns[0].list);
  CHECK(out.columns[0].width == 3);
  const double sum = std::exp(1.0) + std::exp(1.5) + std::exp(-1.0);
  CHECK(out.columns[0].values[0] == Approx(std::exp(1.0) / sum));
  CHECK(out.columns[0].values[1] == Approx(std::exp(1.5) / sum));
  CHECK(out.columns[1].values == std::vector<float>{1, 2});

  LinearModel r = model_of(PredictorType::regressor, 1, 1);
  r.weights = {3};
  r.bias = {0.5};
  const formats::Prediction number = answers(LinearPredictor(r), batch);
  CHECK(number.columns.size() == 1);
  CHECK(number.columns[0].values == std::vector<float>{3.5, -2.5});
}

// ---- the model file -------------------------------------------------------------------------------------------------------

LinearModel full_model() {
  LinearModel m = model_of(PredictorType::binary_classifier, 1, 4);
  m.threshold = 0.1 + 0.2;  // needs all its digits
  m.criterion = "accuracy";
  m.criterion_value = 0.9;
  m.chosen = {{"wd", "0.0001"}, {"learning_rate", "0.1"}};
  m.columns = {"age", "income", "debt", "years"};
  const std::vector<double> v{1, 2, 3};
  m.continuation = {NamedTensor::f64("training.scale", {3}, v.data())};
  return m;
}

job::Model saved(const LinearModel& m) {
  job::Model model;
  model.manifest.algorithm = "linear-learner";
  LinearPredictor(m).save(model);
  return model;
}

TEST_CASE("linear-learner predictor: what was saved comes back to the bit", "[algos][linear]") {
  const LinearModel m = full_model();
  const LinearModel back = load(saved(m))->model();
  CHECK(back.predictor_type == m.predictor_type);
  CHECK(back.loss == m.loss);
  CHECK(back.weights == m.weights);
  CHECK(back.bias == m.bias);
  CHECK(back.threshold == m.threshold);
  CHECK(back.criterion == "accuracy");
  CHECK(back.criterion_value == 0.9);
  CHECK(back.chosen == m.chosen);
  CHECK(back.columns == m.columns);
  REQUIRE(back.continuation.size() == 1);
  CHECK(back.continuation[0].name == "training.scale");
  CHECK(back.continuation[0].as_f64() == std::vector<double>{1, 2, 3});
  CHECK(saved(back).files == saved(m).files);
}

TEST_CASE("linear-learner predictor: model_algo-1 alone is a model, as the service writes it", "[algos][linear]") {
  for (std::size_t classes : {1, 3}) {
    LinearModel m = model_of(classes == 1 ? PredictorType::binary_classifier : PredictorType::multiclass_classifier, classes, 5);
    m.threshold = 0.25;
    job::Model service;
    service.files = saved(m).files;
    CHECK(recognises(service));
    const auto loaded = load(service);
    CHECK(loaded->model().weights == m.weights);
    CHECK(loaded->model().bias == m.bias);
    CHECK(loaded->model().predictor_type == m.predictor_type);
    CHECK(loaded->model().threshold == (classes == 1 ? 0.25 : kNaturalThreshold));
  }
  const auto members = formats::read_zip(saved(full_model()).files.at("model_algo-1"), "x", 1 << 20);
  const auto arrays = formats::read_ndarray_list(members.at("mx-mod-0000.params"), "x");
  CHECK(arrays.at(0).name == "arg:fc0_weight");
  CHECK(arrays.at(0).shape == std::vector<std::uint64_t>{1, 4});
  CHECK(arrays.at(1).name == "arg:fc0_bias");
  const auto symbol = nlohmann::json::parse(members.at("mx-mod-symbol.json"));
  std::vector<std::string> nodes;
  for (const auto& node : symbol.at("nodes"))
    nodes.push_back(node.at("op").get<std::string>() + " " + node.at("name").get<std::string>());
  CHECK(nodes == std::vector<std::string>{"null data", "null fc0_weight", "null fc0_bias", "FullyConnected fc0", "null out_label",
                                          "LogisticRegressionOutput out"});
  CHECK(nlohmann::json::parse(members.at("additional-params.json")).at("feature_dim") == 4);
  CHECK(members.count("manifest.json") == 1);
}

// A zip of the service whose additional-params.json says something else, or nothing.
job::Model service_with(PredictorType type, std::size_t classes, const std::string& params) {
  LinearModel m = model_of(type, classes, 2);
  auto members = formats::read_zip(saved(m).files.at("model_algo-1"), "x", 1 << 20);
  members["additional-params.json"] = params;
  job::Model model;
  model.files["model_algo-1"] = formats::write_zip({members.begin(), members.end()});
  return model;
}

TEST_CASE("linear-learner predictor: what additional-params.json leaves open is told from the network", "[algos][linear]") {
  CHECK(load(service_with(PredictorType::regressor, 1, "{}"))->model().predictor_type == PredictorType::regressor);
  CHECK(load(service_with(PredictorType::binary_classifier, 1, "{}"))->model().predictor_type ==
        PredictorType::binary_classifier);
  CHECK(load(service_with(PredictorType::multiclass_classifier, 3, "{}"))->model().loss == Loss::softmax_loss);
  CHECK(load(service_with(PredictorType::binary_classifier, 1, R"({"threshold": "0.375"})"))->model().threshold == 0.375);
}

std::string refusal(const job::Model& model) {
  try {
    load(model);
  } catch (const Error& error) {
    CHECK(error.exit_code() == 2);
    return error.what();
  }
  return "nothing was refused";
}

TEST_CASE("linear-learner predictor: damaged models are refused with the member", "[algos][linear]") {
  CHECK_THAT(refusal({}), Contains("has no model_algo-1"));
  CHECK_THAT(refusal(service_with(PredictorType::regressor, 1, "[1]")), Contains("model_algo-1: additional-params.json"));
  CHECK_THAT(refusal(service_with(PredictorType::regressor, 1, R"({"predictor_type": "ranker"})")),
             Contains("\"ranker\" is not known"));
  CHECK_THAT(refusal(service_with(PredictorType::regressor, 1, R"({"predictor_type": "multiclass_classifier"})")),
             Contains("the model is damaged"));
  CHECK_THAT(refusal(service_with(PredictorType::regressor, 1, R"({"loss": "hinge_loss"})")),
             Contains("a regressor with hinge_loss"));
  job::Model model = saved(full_model());
  model.tensors[0].shape = {4};
  CHECK_THAT(refusal(model), Contains("model.safetensors"));
  model = saved(full_model());
  LinearModel infinite = full_model();
  infinite.weights[2] = INFINITY;
  CHECK_THAT(refusal(saved(infinite)), Contains("not finite"));
  const std::string whole = saved(full_model()).files.at("model_algo-1");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    job::Model cut;
    cut.files["model_algo-1"] = whole.substr(0, size);
    CHECK(refusal(cut) != "nothing was refused");
    CHECK_FALSE(recognises(cut));
  }
}

TEST_CASE("linear-learner predictor: coefficients are weights and bias under their names", "[algos][linear]") {
  LinearModel m = model_of(PredictorType::multiclass_classifier, 3, 2);
  m.weights = {1, 2, 3, 4, 5, 6};
  m.bias = {-1, -2, -3};
  const job::Coefficients c = LinearPredictor(m).coefficients().value();
  CHECK(c.matrix.shape == std::vector<std::uint64_t>{3, 3});
  CHECK(c.matrix.as_f32() == std::vector<float>{1, 2, -1, 3, 4, -2, 5, 6, -3});
  CHECK(c.columns == std::vector<std::string>{"f0", "f1", "bias"});
  CHECK(LinearPredictor(full_model()).coefficients()->columns.at(1) == "income");
}

TEST_CASE("linear-learner predictor: inspect shows bias, threshold and the largest weights by name", "[algos][linear]") {
  LinearModel m = full_model();
  m.weights = {0.5f, -2, 0, 0.25f};
  m.bias = {1.5f};
  std::map<std::string, std::string> facts;
  for (const auto& [name, text] : LinearPredictor(m).facts()) facts[name] = text;
  CHECK(facts["threshold"] == "0.30000000000000004 (accuracy 0.9 where it was chosen)");
  CHECK(facts["bias"] == "1.5");
  CHECK(facts["largest weights"] == "income -2, age 0.5, years 0.25");
  CHECK(facts["weights other than 0"] == "3 of 4");
  CHECK(facts["chosen"] == "learning_rate 0.1, wd 0.0001");
  m.columns.clear();
  facts.clear();
  for (const auto& [name, text] : LinearPredictor(m).facts()) facts[name] = text;
  CHECK(facts["largest weights"] == "feature 1 -2, feature 0 0.5, feature 3 0.25");
}

}  // namespace
}  // namespace smtrain::linear
