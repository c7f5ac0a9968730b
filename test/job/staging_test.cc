#include "job/staging.h"

#include <catch2/catch.hpp>
#include <random>

namespace smtrain::job {

TEST_CASE("staging: sparse rows arrive densely, whatever part of a larger matrix they are", "[job][staging]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto backend = compute::make_cpu_backend(2);
  for (int round = 0; round < 20; ++round) {
    const std::size_t rows = 1 + random() % 50, cols = 1 + random() % 60;
    std::vector<float> expected(rows * cols);
    // The first entry is another batch's: offsets need not begin at zero.
    const std::uint64_t base = random() % 3;
    std::vector<std::uint64_t> indptr{base};
    std::vector<std::uint32_t> indices;
    std::vector<float> values;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < cols; ++j) {
        if (random() % 3 != 0) continue;
        indices.push_back(static_cast<std::uint32_t>(j));
        values.push_back(static_cast<float>(random() % 100) + 1);
        expected[i * cols + j] = values.back();
      }
      indptr.push_back(base + indices.size());
    }
    formats::Batch batch;
    batch.rows = rows;
    batch.cols = cols;
    batch.indptr = indptr.data();
    batch.indices = indices.data();
    batch.values = values.data();
    std::vector<float> got;
    DenseStaging staging(*backend);
    staging.for_each(batch, [&](const compute::Mat& x, std::size_t first) {
      REQUIRE(first * cols == got.size());
      got.resize(got.size() + x.rows * cols);
      backend->read(backend->main_queue(), got.data() + first * cols, x);
    });
    CHECK(got == expected);
    std::vector<float> row(cols);
    for (std::size_t i = 0; i < rows; ++i) {
      copy_row(batch, i, row.data());
      CHECK(std::equal(row.begin(), row.end(), expected.begin() + static_cast<long>(i * cols)));
    }
  }
}

TEST_CASE("staging: a dense batch is handed over whole", "[job][staging]") {
  const auto backend = compute::make_cpu_backend(1);
  const std::vector<float> numbers{1, 2, 0, 3, 4, 0};
  formats::Batch batch;
  batch.rows = 2;
  batch.cols = 2;
  batch.ld = 3;
  batch.dense = numbers.data();
  int calls = 0;
  DenseStaging(*backend).for_each(batch, [&](const compute::Mat& x, std::size_t first) {
    ++calls;
    CHECK(first == 0);
    std::vector<float> got(4);
    backend->read(backend->main_queue(), got.data(), x);
    CHECK(got == std::vector<float>{1, 2, 3, 4});
  });
  CHECK(calls == 1);
}

}  // namespace smtrain::job
