#include "compute/learning_parity.h"

#include "base/error.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;

TEST_CASE("models of weights: every kernel level does as the plain form does", "[compute][learning]") {
  for (const smtrain::KernelLevel level : levels()) {
    INFO(smtrain::name_of(level));
    CpuBackend backend(2, level);
    check_learning(backend);
  }
}

namespace {

// All operations on one sample; what they leave.
std::vector<float> everything(int threads, const SparseSample& x, const std::vector<float>& numbers, std::size_t p) {
  CpuBackend backend(threads, smtrain::kernel_level());
  Queue& queue = backend.main_queue();
  auto rows = backend.make_sparse_rows();
  auto set = backend.make_row_set(x.cols);
  backend.load(queue, *rows, x.view(), {}, nullptr);
  const Mat z = backend.allocate(x.rows, p, DType::f32), g = backend.allocate(x.cols, p, DType::f32), m = backend.allocate(x.cols, p, DType::f32);
  const Mat v = backend.allocate(x.cols, p, DType::f32), bias = backend.allocate(1, p, DType::f32), loss = backend.allocate(1, p, DType::f64);
  for (const Mat& matrix : {g, m, v, bias, loss}) backend.zero(queue, matrix);
  const Mat w = row_matrix(backend, {numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(x.cols * p)}, x.cols, p);
  const Mat labels = row_matrix(backend, {numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(x.rows)}, x.rows, 1);
  backend.multiply(queue, *rows, w, z);
  backend.derive_loss(queue, {}, labels, {}, {}, bias, z, bias, loss);
  backend.multiply_transposed(queue, *rows, z, g, *set);
  backend.step(queue, {}, row_matrix(backend, {0.1f, 0.01f, 0.01f}, 3, 1), g, w, m, v, set.get(), {});
  std::vector<float> left = values<float>(backend, w);
  for (const float b : values<float>(backend, bias)) left.push_back(b);
  for (const double l : values<double>(backend, loss)) left.push_back(static_cast<float>(l));
  return left;
}

}  // namespace

TEST_CASE("models of weights: the same bytes for any number of threads", "[compute][learning]") {
  std::mt19937 random(seed());
  const SparseSample x(random, 3000, 20000, 0.6);
  for (const std::size_t p : {1, 8, 40}) {
    const std::vector<float> numbers = normal_numbers(random, x.cols * p);
    const std::vector<float> one = everything(1, x, numbers, p);
    for (const int threads : {2, 3, 7}) CHECK((everything(threads, x, numbers, p) == one));
  }
}

TEST_CASE("models of weights: the same bytes for any number of threads also of long rows", "[compute][learning]") {
  std::mt19937 random(seed());
  const SparseSample x(random, 40, 20000, 0.9, 1500);
  const std::vector<float> numbers = normal_numbers(random, x.cols);
  const std::vector<float> one = everything(1, x, numbers, 1);
  for (const int threads : {2, 3, 7}) CHECK((everything(threads, x, numbers, 1) == one));
}

TEST_CASE("models of weights: wrong shapes are refused by name", "[compute][learning]") {
  CpuBackend backend(1, smtrain::kernel_level());
  Queue& queue = backend.main_queue();
  const auto refused = [](const auto& call, const char* part) {
    try {
      call();
    } catch (const smtrain::Error& error) {
      CHECK(std::string(error.what()).find(part) != std::string::npos);
      return true;
    }
    return false;
  };
  const Mat a = backend.allocate(4, 3, DType::f32), row = backend.allocate(1, 3, DType::f32), loss = backend.allocate(1, 3, DType::f64);
  CHECK(refused([&] { backend.standardize(queue, a, backend.allocate(1, 2, DType::f32), {}, a); }, "shift is f32 (1, 2)"));
  CHECK(refused([&] { backend.derive_loss(queue, {}, row, {}, {}, row, a, row, loss); }, "labels is f32 (1, 3)"));
  CHECK(refused([&] { backend.derive_loss(queue, {Loss::squared, 0, 0, 0, 0, 2}, row, {}, {}, row, a, row, loss); }, "2 classes"));
  CHECK(refused([&] { backend.step(queue, {}, row, a, a, a, a, nullptr, {}); }, "columns is f32 (1, 3)"));
  const std::uint64_t indptr[] = {0, 1};
  const std::uint32_t index = 3;
  const float value = 1;
  auto rows = backend.make_sparse_rows();
  CHECK(refused([&] { backend.load(queue, *rows, {indptr, &index, &value, 1, 3}, {}, nullptr); }, "column 3 of 3"));
  auto set = backend.make_row_set(4);
  CHECK(refused([&] { backend.put(queue, {{2, 1}, std::vector<float>(6)}, *set, a); }, "expected ascending"));
  backend.put(queue, {{1, 2}, std::vector<float>(6)}, *set, a);
  CHECK(refused([&] { backend.put(queue, {{2}, std::vector<float>(3)}, *set, a); }, "not among those"));
}
