// Algorithms of models of weights on devices whose memory the host does not see.
#include <catch2/catch.hpp>
#include <cmath>
#include <iostream>
#include <random>

#include "algos/opaque_backend.h"
#include "algos/registry.h"
#include "algos/test_context.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "compute/cuda_module.h"
#include "gpu/fake_backend.h"

namespace smtrain::algos {
namespace {

using test::TemporaryFolder;
using test::TestContext;
using Hyperparameters = std::map<std::string, std::string>;

constexpr std::size_t kFeatures = 14;

struct Case {
  std::string algorithm;
  Hyperparameters values;
  std::size_t classes;  ///< of labels; 0: numbers; 1: no labels
};

const std::vector<Case> kCases{
    {"linear-learner", {{"predictor_type", "regressor"}, {"epochs", "3"}, {"mini_batch_size", "150"}, {"num_models", "3"}}, 0},
    {"linear-learner", {{"predictor_type", "binary_classifier"}, {"epochs", "3"}, {"mini_batch_size", "200"}, {"num_models", "2"}}, 2},
    {"linear-learner", {{"predictor_type", "multiclass_classifier"}, {"num_classes", "4"}, {"epochs", "2"}, {"num_models", "2"},
                        {"optimizer", "sgd"}, {"mini_batch_size", "100"}}, 4},
    {"factorization-machines", {{"predictor_type", "regressor"}, {"num_factors", "6"}, {"factors_lr", "0.05"}, {"linear_lr", "0.05"},
                                {"epochs", "3"}, {"mini_batch_size", "150"}}, 0},
    {"factorization-machines", {{"predictor_type", "binary_classifier"}, {"num_factors", "5"}, {"factors_lr", "0.05"},
                                {"epochs", "2"}, {"mini_batch_size", "200"}}, 2},
    {"pca", {{"num_components", "4"}, {"algorithm_mode", "regular"}, {"mini_batch_size", "130"}}, 1},
    {"pca", {{"num_components", "4"}, {"algorithm_mode", "randomized"}, {"extra_components", "5"}, {"mini_batch_size", "130"}}, 1},
    {"knn", {{"predictor_type", "classifier"}, {"k", "3"}, {"sample_size", "600"}, {"mini_batch_size", "130"}}, 3},
    {"knn", {{"predictor_type", "regressor"}, {"k", "4"}, {"sample_size", "2000"}, {"index_type", "faiss.IVFFlat"}, {"index_metric", "COSINE"}}, 0},
    {"knn", {{"predictor_type", "regressor"}, {"k", "4"}, {"sample_size", "2000"}, {"dimension_reduction_type", "sign"},
             {"dimension_reduction_target", "6"}, {"index_metric", "INNER_PRODUCT"}}, 0}};

// A CSV with the label first, or libsvm with a third of the numbers.
std::string rows(std::size_t n, unsigned seed, std::size_t classes, bool sparse) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    std::string features;
    float score = 0;
    for (std::size_t j = 0; j < kFeatures; ++j) {
      const float x = static_cast<float>(1 + j % 3) * normal(random) + static_cast<float>(j % 2);
      const bool there = !sparse || (i * 5 + j * 7) % 3 == 0;
      if (there) score += x * (static_cast<float>(j) - 6) / 9;
      if (sparse && there) features += " " + std::to_string(j) + ":" + format_number(x);
      if (!sparse) features += (j > 0 || classes != 1 ? "," : "") + format_number(x);
    }
    const float noisy = score + 0.3f * normal(random);
    const float label = classes == 0 ? noisy : std::floor(std::clamp(noisy + 1.5f, 0.0f, 2.9f) * static_cast<float>(classes) / 3);
    text += (sparse || classes != 1 ? format_number(classes == 1 ? 0.0f : label) : "") + features + "\n";
  }
  return text;
}

struct Outcome {
  job::Model model;
  std::map<std::string, double> qualities;
  std::vector<float> scores;  ///< all but labels
};

Outcome outcome(std::unique_ptr<compute::Backend> backend, const std::map<std::string, std::string>& channels, const Case& run) {
  TestContext context(channels);
  context.csv_type = run.classes == 1 ? "text/csv;label_size=0" : "text/csv;label_size=1";
  context.piece_bytes = 4096;  // mini-batches come in pieces
  context.use(std::move(backend));
  NullLog log;
  Hyperparameters values = run.values;
  values["feature_dim"] = std::to_string(kFeatures);
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  const job::Algorithm& algorithm = *find(run.algorithm);
  job::Settings settings = job::resolve(algorithm.description().hyperparameters, given, log);
  const auto predictor = algorithm.train(context, settings);
  Outcome out;
  out.model.manifest.algorithm = run.algorithm;
  out.model.manifest.hyperparameters = values;
  predictor->save(out.model);
  out.qualities = context.metrics_kept.qualities;
  const auto loaded = algorithm.load(out.model);
  const auto scratch = loaded->make_scratch(context.backend());
  formats::Prediction prediction;
  auto stream = context.open_table("test", {100, 1, kFeatures});
  for (formats::Batch batch; stream->next(batch);) {
    loaded->predict(context.backend(), batch, {{}, true}, *scratch, prediction);
    for (const auto& column : prediction.columns) {
      if (!column.integer && column.name != "predicted_label") out.scores.insert(out.scores.end(), column.values.begin(), column.values.end());
    }
  }
  return out;
}

std::map<std::string, std::string> channels_of(const TemporaryFolder& folder, const Case& run, bool sparse) {
  const std::string suffix = sparse ? ".libsvm" : ".csv";
  return {{"train", folder.put("train" + suffix, rows(700, 1, run.classes, sparse)).string()},
          {"test", folder.put("test" + suffix, rows(150, 2, run.classes, sparse)).string()}};
}

double worst_difference(const Outcome& a, const Outcome& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.scores.size(); ++i) {
    const double x = static_cast<double>(a.scores[i]), y = static_cast<double>(b.scores[i]);
    worst = std::max(worst, std::abs(x - y) / (1 + std::abs(x)));
  }
  return worst;
}

}  // namespace

TEST_CASE("learners: nothing but the backend touches device memory", "[algos][device]") {
  const TemporaryFolder folder;
  for (const Case& run : kCases) {
    for (const bool sparse : {false, true}) {
      CAPTURE(run.algorithm, run.values, sparse);
      const auto channels = channels_of(folder, run, sparse);
      const Outcome plain = outcome(compute::make_cpu_backend(2), channels, run);
      const Outcome opaque = outcome(std::make_unique<test::OpaqueBackend>(compute::make_cpu_backend(2)), channels, run);
      CHECK(opaque.model.files == plain.model.files);
      REQUIRE(opaque.model.tensors.size() == plain.model.tensors.size());
      for (std::size_t i = 0; i < plain.model.tensors.size(); ++i) CHECK((opaque.model.tensors[i].data == plain.model.tensors[i].data));
      CHECK(opaque.qualities == plain.qualities);
      CHECK((opaque.scores == plain.scores));
      CHECK(plain.scores.size() >= 150);
    }
  }
}

TEST_CASE("learners: the GPU backend trains the models that the CPU trains", "[algos][device]") {
  const TemporaryFolder folder;
  static NullLog log;
  const compute::CudaReport cuda = compute::probe_cuda(std::nullopt, 0);
  if (std::getenv("SMTRAIN_REQUIRE_CUDA") != nullptr) REQUIRE(cuda.problem == "");
  for (const Case& run : kCases) {
    for (const bool sparse : {false, true}) {
      CAPTURE(run.algorithm, run.values, sparse);
      const auto channels = channels_of(folder, run, sparse);
      const Outcome cpu = outcome(compute::make_cpu_backend(2), channels, run);
      std::vector<std::pair<std::string, std::unique_ptr<compute::Backend>>> others;
      others.emplace_back("GPU backend over a fake device", gpu::test::make(gpu::test::Order::shuffled).backend);
      if (cuda.missing == compute::CudaMissing::nothing) others.emplace_back("cuda", compute::make_cuda_backend(cuda, log));
      for (auto& [name, backend] : others) {
        const Outcome other = outcome(std::move(backend), channels, run);
        REQUIRE(other.scores.size() == cpu.scores.size());
        const double difference = worst_difference(cpu, other);
        std::cerr << run.algorithm << (sparse ? " sparse" : " dense") << ": " << name << ": scores differ by at most " << difference
                  << " of the CPU's" << std::endl;
        CHECK(difference < 1e-4);
      }
    }
  }
}

}  // namespace smtrain::algos
