#include "compute/factor_parity.h"

#include "base/error.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;

TEST_CASE("factorization machines: every kernel level does as the plain form does", "[compute][factors]") {
  for (const smtrain::KernelLevel level : levels()) {
    INFO(smtrain::name_of(level));
    CpuBackend backend(2, level);
    check_factorization(backend);
  }
}

TEST_CASE("factorization machines: the same bytes for any number of threads", "[compute][factors]") {
  std::mt19937 random(seed());
  const SparseSample x(random, 2000, 5000, 0.4);
  const std::size_t k = 24;
  const std::vector<float> numbers = normal_numbers(random, x.cols * (k + 1)), r = normal_numbers(random, x.rows);
  const auto everything = [&](int threads) {
    CpuBackend backend(threads, smtrain::kernel_level());
    Queue& queue = backend.main_queue();
    auto rows = backend.make_sparse_rows();
    auto set = backend.make_row_set(x.cols);
    backend.load(queue, *rows, x.view(), {}, nullptr);
    const Mat p = row_matrix(backend, numbers, x.cols, k + 1), g = backend.allocate(x.cols, k + 1, DType::f32);
    const Mat s = backend.allocate(x.rows, k, DType::f32), z = backend.allocate(x.rows, 1, DType::f32);
    backend.zero(queue, g);
    backend.factor_scores(queue, *rows, p, s, z);
    backend.factor_gradient(queue, *rows, p, s, row_matrix(backend, r, x.rows, 1), g, *set);
    std::vector<float> left = values<float>(backend, z);
    for (const float value : values<float>(backend, g)) left.push_back(value);
    return left;
  };
  const std::vector<float> one = everything(1);
  for (const int threads : {2, 3, 7}) CHECK((everything(threads) == one));
}

TEST_CASE("factorization machines: wrong shapes are refused by name", "[compute][factors]") {
  CpuBackend backend(1, smtrain::kernel_level());
  Queue& queue = backend.main_queue();
  const std::uint64_t indptr[] = {0, 1};
  const std::uint32_t index = 0;
  const float value = 1;
  auto rows = backend.make_sparse_rows();
  backend.load(queue, *rows, {indptr, &index, &value, 1, 3}, {}, nullptr);
  const Mat p = backend.allocate(3, 5, DType::f32), s = backend.allocate(1, 4, DType::f32), z = backend.allocate(1, 1, DType::f32);
  CHECK_THROWS_WITH(backend.factor_scores(queue, *rows, backend.allocate(2, 5, DType::f32), s, z), Catch::Matchers::Contains("factor_scores: p is f32 (2, 5)"));
  CHECK_THROWS_WITH(backend.factor_scores(queue, *rows, p, p, z), Catch::Matchers::Contains("s is f32 (3, 5)"));
  CHECK_THROWS_WITH(backend.factor_scores(queue, *rows, z, s, z), Catch::Matchers::Contains("p has 1 columns"));
  auto set = backend.make_row_set(3);
  CHECK_THROWS_WITH(backend.factor_gradient(queue, *rows, p, s, z, s, *set), Catch::Matchers::Contains("g is f32 (1, 4)"));
}
