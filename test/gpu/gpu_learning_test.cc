// Operations for models of weights on the GPU backend over a device that holds work back.
#include "base/error.h"
#include "compute/factor_parity.h"
#include "gpu/fake_backend.h"

namespace {

using namespace smtrain;
using namespace smtrain::compute;
using namespace smtrain::compute::test;
using Catch::Contains;
using gpu::test::make;
using gpu::test::Made;
using gpu::test::Order;

// One mini-batch of a sparse model of softmax and of a dense one of logistic loss, with all that they keep.
struct Models {
  static constexpr std::size_t kClasses = 3, kModels = 2, kWidth = kClasses * kModels;

  Models(Backend& b, std::size_t d)
      : backend(b), rows(b.make_sparse_rows()), set(b.make_row_set(d)), columns(row_matrix(b, {0.1f, 0.01f, 0.02f}, 3, 1)) {
    for (Mat* m : {&w, &g, &moment, &square}) *m = zeros(b, d, kWidth, DType::f32);
    for (Mat* m : {&bias, &bias_gradient}) *m = zeros(b, 1, kWidth, DType::f32);
    loss = zeros(b, 1, kModels, DType::f64);
  }
  void learn(const SparseSample& x, const std::vector<float>& labels, const std::shared_ptr<const void>& owner) {
    Queue& queue = backend.main_queue();
    if (z.rows != x.rows) z = backend.allocate(x.rows, kWidth, DType::f32);
    LossRule rule;
    rule.loss = Loss::softmax;
    rule.classes = kClasses;
    StepRule step;
    step.step = ++steps;
    backend.load(queue, *rows, x.view(), {}, owner);
    backend.multiply(queue, *rows, w, z);
    backend.derive_loss(queue, rule, backend.stage(queue, labels.data(), x.rows, 1, 1, nullptr), {}, {}, bias, z, bias_gradient, loss);
    backend.multiply_transposed(queue, *rows, z, g, *set);
    backend.step(queue, step, columns, g, w, moment, square, set.get());
    backend.step(queue, step, columns, bias_gradient, bias, moment.row_range(0, 1), square.row_range(0, 1), nullptr);
  }
  std::tuple<std::vector<float>, std::vector<float>, std::vector<double>> left() {
    return {values<float>(backend, w), values<float>(backend, bias), values<double>(backend, loss)};
  }

  Backend& backend;
  std::unique_ptr<Backend::SparseRows> rows;
  std::unique_ptr<Backend::RowSet> set;
  Mat columns, w, g, moment, square, bias, bias_gradient, loss, z;
  std::uint64_t steps = 0;
};

std::vector<float> class_numbers(std::mt19937& random, std::size_t n) {
  std::vector<float> labels(n);
  for (float& y : labels) y = static_cast<float>(random() % Models::kClasses);
  return labels;
}

}  // namespace

TEST_CASE("the GPU backend does every operation for models of weights, whatever the order of threads and lanes", "[gpu][learning]") {
  for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
    for (const bool eager : {false, true}) {
      if (eager && order == Order::descending) continue;
      CAPTURE(static_cast<int>(order), eager);
      const Made made = make(order, eager);
      check_learning(*made.backend);
      check_factorization(*made.backend);
    }
  }
}

TEST_CASE("the same mini-batches give the same models on the GPU backend", "[gpu][learning]") {
  std::mt19937 random(seed());
  std::vector<SparseSample> batches;
  for (int i = 0; i < 4; ++i) batches.emplace_back(random, 700 - 100 * static_cast<std::size_t>(i), 900, 0.4);
  const std::vector<float> labels = class_numbers(random, 700);
  const auto train = [&](Order order, bool eager) {
    const Made made = make(order, eager);
    Models models(*made.backend, 900);
    for (const SparseSample& batch : batches) models.learn(batch, labels, nullptr);
    return models.left();
  };
  const auto first = train(Order::ascending, false);
  CHECK((train(Order::ascending, false) == first));
  CHECK((train(Order::descending, true) == first));
  CHECK((train(Order::shuffled, false) == first));
  CHECK(std::any_of(std::get<0>(first).begin(), std::get<0>(first).end(), [](float w) { return w != 0; }));
}

TEST_CASE("a row's scores do not depend on the rows beside it on the GPU backend", "[gpu][learning]") {
  std::mt19937 random(seed());
  const SparseSample x(random, 300, 50, 0.5);
  for (const std::size_t p : {1, 7, 40}) {
    const std::vector<float> w = normal_numbers(random, x.cols * p);
    const auto scores = [&](Order order, std::size_t first, std::size_t count) {
      const Made made = make(order);
      Backend& backend = *made.backend;
      auto rows = backend.make_sparse_rows();
      const std::size_t skipped = x.indptr[first] - x.indptr[0];
      backend.load(backend.main_queue(), *rows, {x.indptr.data() + first, x.indices.data() + skipped, x.values.data() + skipped, count, x.cols}, {},
                   nullptr);
      const Mat z = backend.allocate(count, p, DType::f32);
      backend.multiply(backend.main_queue(), *rows, row_matrix(backend, w, x.cols, p), z);
      return values<float>(backend, z);
    };
    const std::vector<float> whole = scores(Order::ascending, 0, x.rows);
    for (const std::size_t count : {1, 2, 129}) {
      const std::size_t first = random() % (x.rows - count);
      const auto part = scores(Order::shuffled, first, count);
      CHECK(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first * p)));
    }
  }
}

TEST_CASE("warm mini-batches of the GPU backend allocate nothing, though their sizes vary", "[gpu][learning]") {
  const Made made = make(Order::ascending);
  std::mt19937 random(seed());
  std::vector<SparseSample> batches;
  for (int i = 0; i < 6; ++i) batches.emplace_back(random, 400, 300, 0.4);
  const std::vector<float> labels = class_numbers(random, 400);
  Models models(*made.backend, 300);
  std::size_t warm = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    models.learn(batches[i % batches.size()], labels, nullptr);
    if (i == 12) warm = made.device->allocations;
  }
  CHECK(made.device->allocations == warm);
}

TEST_CASE("sparse rows of an owner go to the GPU once, and others that begin with them are others", "[gpu][learning]") {
  const Made made = make(Order::ascending);
  Backend& backend = *made.backend;
  Queue& queue = backend.main_queue();
  // Rows without numbers: the first two rows and the second two begin at the same number, and hold as many.
  const std::vector<std::uint64_t> indptr{0, 0, 2, 2};
  const std::vector<std::uint32_t> indices{0, 2};
  const std::vector<float> numbers{1, 2};
  const auto owner = std::make_shared<int>();
  const Mat w = row_matrix(backend, {1, 10, 100}, 3, 1), z = backend.allocate(2, 1, DType::f32);
  auto rows = backend.make_sparse_rows();
  const auto scores = [&](std::size_t first, const std::vector<float>& v, const std::shared_ptr<const void>& of) {
    const std::size_t before = *made.device->uploads;
    backend.load(queue, *rows, {indptr.data() + first, indices.data(), v.data(), 2, 3}, {}, of);
    const std::size_t uploads = *made.device->uploads - before;
    backend.multiply(queue, *rows, w, z);
    return std::pair{values<float>(backend, z), uploads};
  };
  using Scores = std::pair<std::vector<float>, std::size_t>;
  CHECK((scores(0, numbers, owner) == Scores{{0, 201}, 1}));
  CHECK((scores(0, numbers, owner) == Scores{{0, 201}, 0}));
  CHECK((scores(1, numbers, owner) == Scores{{201, 0}, 1}));
  CHECK((scores(1, numbers, owner) == Scores{{201, 0}, 0}));
  CHECK((scores(0, numbers, nullptr) == Scores{{0, 201}, 1}));
  CHECK((scores(0, {3, 2}, std::make_shared<int>()) == Scores{{0, 203}, 1}));
  backend.load(queue, *rows, {indptr.data(), indices.data(), numbers.data(), 2, 3}, row_matrix(backend, {2, 2, 0.5f}, 1, 3), owner);
  backend.multiply(queue, *rows, w, z);
  CHECK((values<float>(backend, z) == std::vector<float>{0, 102}));
  CHECK((scores(0, numbers, owner) == Scores{{0, 201}, 0}));  // a scale leaves what is kept as it is
}

TEST_CASE("sparse rows that take more than one pinned buffer, long columns and wide gradients, arrive whole on the GPU backend", "[gpu][learning]") {
  const Made made = make(Order::ascending);
  Backend& backend = *made.backend;
  std::mt19937 random(seed());
  check_sparse_products(backend, random, 30000, 400, 1, 0.7, false);   // 10 MB
  check_sparse_products(backend, random, 3000, 2, 3, 0.9, false);
  check_sparse_products(backend, random, 700, 4000, 2100, 0.9, true);  // more than one piece of columns
  const std::size_t d = 70000, p = 63;
  Backend::PickedRows rows{std::vector<std::uint32_t>(d), normal_numbers(random, d * p)};
  std::iota(rows.ids.begin(), rows.ids.end(), 0u);
  auto set = backend.make_row_set(d);
  const Mat g = backend.allocate(d, p, DType::f32);
  backend.put(backend.main_queue(), rows, *set, g);
  const Backend::PickedRows again = backend.pick(backend.main_queue(), *set, g);
  CHECK((again.ids == rows.ids));
  CHECK((again.values == rows.values));
}

TEST_CASE("the GPU backend refuses wrong arguments of learning in the CPU's words", "[gpu][learning]") {
  const Made made = make(Order::ascending), other = make(Order::ascending);
  Backend& backend = *made.backend;
  Queue& queue = backend.main_queue();
  const Mat a = backend.allocate(4, 3, DType::f32), row = backend.allocate(1, 3, DType::f32), loss = backend.allocate(1, 3, DType::f64);
  CHECK_THROWS_WITH(backend.standardize(queue, a, backend.allocate(1, 2, DType::f32), {}, a), Contains("shift is f32 (1, 2)"));
  CHECK_THROWS_WITH(backend.derive_loss(queue, {}, row, {}, {}, row, a, row, loss), Contains("labels is f32 (1, 3)"));
  CHECK_THROWS_WITH(backend.step(queue, {}, row, a, a, a, a, nullptr), Contains("columns is f32 (1, 3)"));
  const std::uint64_t indptr[] = {0, 1};
  const std::uint32_t index = 3;
  const float value = 1;
  auto rows = backend.make_sparse_rows();
  CHECK_THROWS_WITH(backend.load(queue, *rows, {indptr, &index, &value, 1, 3}, {}, nullptr), Contains("column 3 of 3"));
  backend.load(queue, *rows, {indptr, &index, &value, 1, 4}, {}, nullptr);
  CHECK_THROWS_WITH(backend.multiply(queue, *rows, a, a), Contains("multiply: the matrix of n rows is f32 (4, 3)"));
  CHECK_THROWS_WITH(other.backend->multiply(queue, *rows, a, row), Contains("another backend"));
  auto set = backend.make_row_set(5);
  CHECK_THROWS_WITH(backend.multiply_transposed(queue, *rows, row, a, *set), Contains("the matrix of the set is f32 (4, 3)"));
  CHECK_THROWS_WITH(backend.put(queue, {{2, 1}, std::vector<float>(6)}, *backend.make_row_set(4), a), Contains("expected ascending"));
  CHECK(backend.supports(Op::standardize, DType::f64));
  CHECK_FALSE(backend.supports(Op::step, DType::f64));
}
