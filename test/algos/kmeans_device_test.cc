// k-means on devices whose memory the host does not see.
#include <catch2/catch.hpp>
#include <cmath>
#include <iostream>
#include <random>

#include "algos/kmeans/kmeans.h"
#include "algos/kmeans/predictor.h"
#include "algos/opaque_backend.h"
#include "algos/test_context.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "compute/cuda_module.h"
#include "gpu/fake_backend.h"

namespace smtrain::kmeans {
namespace {

using test::TemporaryFolder;
using test::TestContext;
using Hyperparameters = std::map<std::string, std::string>;

constexpr std::size_t kFeatures = 11;

// A CSV of blobs, or the same as sparse JSON Lines with many zeros.
std::string rows(std::size_t n, unsigned seed, bool sparse) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    std::string keys, values;
    for (std::size_t j = 0; j < kFeatures; ++j) {
      const float v = static_cast<float>((i * 7 + j * i) % 6) * 3 + normal(random);
      if (!sparse) text += (j > 0 ? "," : "") + format_number(v);
      if (!sparse || (i + j) % 3 == 0) continue;
      keys += (keys.empty() ? "" : ",") + std::to_string(j);
      values += (values.empty() ? "" : ",") + format_number(v);
    }
    text += sparse ? R"({"data":{"features":{"keys":[)" + keys + R"(],"shape":[11],"values":[)" + values + "]}}}\n" : "\n";
  }
  return text;
}

struct Outcome {
  job::Model model;
  std::map<std::string, double> qualities;
  std::vector<std::vector<float>> answers;
};

// Training with seeding, shrinking and a test channel, saving, and answering the test rows with what was saved.
Outcome outcome(std::unique_ptr<compute::Backend> backend, const std::map<std::string, std::string>& channels, const Hyperparameters& values) {
  TestContext context(channels);
  context.piece_bytes = 4096;  // mini-batches come in pieces
  context.use(std::move(backend));
  NullLog log;
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  job::Settings settings = job::resolve(algorithm().description().hyperparameters, given, log);
  const auto predictor = algorithm().train(context, settings);
  Outcome out;
  out.model.manifest.algorithm = "kmeans";
  predictor->save(out.model);
  out.qualities = context.metrics_kept.qualities;
  const auto loaded = load(out.model);
  const auto scratch = loaded->make_scratch(context.backend());
  formats::Prediction prediction;
  auto stream = context.open_table("test", {100, 1, kFeatures});
  for (formats::Batch batch; stream->next(batch);) {
    loaded->predict(context.backend(), batch, {}, *scratch, prediction);
    for (const auto& column : prediction.columns) out.answers.push_back(column.values);
  }
  return out;
}

std::unique_ptr<compute::Backend> fake_gpu() { return gpu::test::make(gpu::test::Order::shuffled).backend; }

const std::vector<Hyperparameters> kRuns{
    {{"k", "5"}, {"epochs", "2"}, {"mini_batch_size", "300"}, {"init_method", "kmeans++"}, {"local_lloyd_init_method", "kmeans++"}},
    {{"k", "20"}, {"epochs", "3"}, {"mini_batch_size", "250"}, {"extra_center_factor", "1"}, {"half_life_time_size", "500"}},
    {{"k", "60"}, {"mini_batch_size", "120"}, {"extra_center_factor", "2"}, {"local_lloyd_init_method", "random"}}};

double relative_difference(const Outcome& a, const Outcome& b) {
  double worst = 0;
  for (const auto& [name, value] : a.qualities) worst = std::max(worst, std::abs(value - b.qualities.at(name)) / std::abs(value));
  return worst;
}

}  // namespace

TEST_CASE("kmeans: nothing but the backend touches device memory", "[algos][kmeans][device]") {
  const TemporaryFolder folder;
  for (const bool sparse : {false, true}) {
    const std::string suffix = sparse ? ".jsonl" : ".csv";
    const std::map<std::string, std::string> channels{{"train", folder.put("train" + suffix, rows(1100, 1, sparse)).string()},
                                                      {"test", folder.put("test" + suffix, rows(150, 2, sparse)).string()}};
    for (const Hyperparameters& values : kRuns) {
      CAPTURE(sparse, values.at("k"));
      const Outcome plain = outcome(compute::make_cpu_backend(2), channels, values);
      const Outcome opaque = outcome(std::make_unique<test::OpaqueBackend>(compute::make_cpu_backend(2)), channels, values);
      CHECK(opaque.model.files == plain.model.files);
      REQUIRE(opaque.model.tensors.size() == plain.model.tensors.size());
      for (std::size_t i = 0; i < plain.model.tensors.size(); ++i) CHECK(opaque.model.tensors[i].data == plain.model.tensors[i].data);
      CHECK(opaque.qualities == plain.qualities);
      CHECK(opaque.answers == plain.answers);
      CHECK(plain.answers.size() > 2);
    }
  }
}

TEST_CASE("kmeans: the GPU backend trains the model that the CPU trains", "[algos][kmeans][device]") {
  const TemporaryFolder folder;
  static NullLog log;
  const compute::CudaReport cuda = compute::probe_cuda(std::nullopt, 0);
  if (std::getenv("SMTRAIN_REQUIRE_CUDA") != nullptr) REQUIRE(cuda.problem == "");
  for (const bool sparse : {false, true}) {
    const std::string suffix = sparse ? ".jsonl" : ".csv";
    const std::map<std::string, std::string> channels{{"train", folder.put("train" + suffix, rows(1100, 1, sparse)).string()},
                                                      {"test", folder.put("test" + suffix, rows(150, 2, sparse)).string()}};
    for (const Hyperparameters& values : kRuns) {
      CAPTURE(sparse, values.at("k"));
      const Outcome cpu = outcome(compute::make_cpu_backend(2), channels, values);
      std::vector<std::pair<std::string, std::unique_ptr<compute::Backend>>> others;
      others.emplace_back("GPU backend over a fake device", fake_gpu());
      if (cuda.missing == compute::CudaMissing::nothing) others.emplace_back("cuda", compute::make_cuda_backend(cuda, log));
      for (auto& [name, backend] : others) {
        const double difference = relative_difference(cpu, outcome(std::move(backend), channels, values));
        std::cerr << "kmeans k=" << values.at("k") << (sparse ? " sparse" : " dense") << ": " << name << ": measures differ by at most "
                  << difference << " of the CPU's" << std::endl;
        CHECK(difference < 1e-5);
      }
    }
  }
}

TEST_CASE("kmeans: rows that stay on the GPU between epochs train the same model with fewer copies", "[algos][kmeans][device]") {
  const TemporaryFolder folder;
  const std::map<std::string, std::string> channels{{"train", folder.put("train.csv", rows(1100, 1, false)).string()},
                                                    {"test", folder.put("test.csv", rows(150, 2, false)).string()}};
  for (const Hyperparameters& values : kRuns) {
    CAPTURE(values.at("k"));
    std::vector<Outcome> outcomes;
    std::vector<std::size_t> uploads;
    for (const bool keeps : {true, false}) {
      gpu::test::Made made = gpu::test::make(gpu::test::Order::shuffled);
      if (!keeps) CHECK_THROWS(made.backend->allocate(std::size_t{1} << 20, std::size_t{1} << 20, compute::DType::f32));  // from then on
      const std::shared_ptr<const std::size_t> count = made.device->uploads;
      outcomes.push_back(outcome(std::move(made.backend), channels, values));
      uploads.push_back(*count);
    }
    std::cerr << "kmeans k=" << values.at("k") << ": " << uploads[0] << " copies to the device, " << uploads[1] << " when no rows are kept"
              << std::endl;
    if (values.count("epochs") > 0) CHECK(uploads[0] < uploads[1]);
    REQUIRE(outcomes[0].model.tensors.size() == outcomes[1].model.tensors.size());
    for (std::size_t i = 0; i < outcomes[0].model.tensors.size(); ++i)
      CHECK((outcomes[0].model.tensors[i].data == outcomes[1].model.tensors[i].data));
    CHECK(outcomes[0].qualities == outcomes[1].qualities);
    CHECK((outcomes[0].answers == outcomes[1].answers));
  }
}

}  // namespace smtrain::kmeans
