// Rows that stay on the device between epochs: what is not copied again, what must be, and what memory it takes.
#include "gpu/staged_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "compute/reference.h"
#include "gpu/fake_backend.h"

namespace {

using namespace smtrain;
using namespace smtrain::compute;
using namespace smtrain::compute::test;
using gpu::test::make;
using gpu::test::Made;
using gpu::test::Order;

using Owner = std::shared_ptr<const void>;

constexpr std::size_t kRows = 1024, kCols = 64, kBytes = kRows * kCols * sizeof(float);  // a block of its own size

Owner new_owner() { return std::make_shared<int>(0); }

// Rows that own themselves, as batches do.
std::shared_ptr<std::vector<float>> batch(std::mt19937& random, std::size_t rows = kRows) {
  return std::make_shared<std::vector<float>>(random_rows(random, rows, kCols));
}

Mat stage(const Made& made, const std::vector<float>& x, const Owner& owner) {
  return made.backend->stage(made.backend->main_queue(), x.data(), x.size() / kCols, kCols, kCols, owner);
}

// Copies that staging these rows takes.
std::size_t copies(const Made& made, const std::vector<float>& x, const Owner& owner) {
  const std::size_t before = *made.device->uploads;
  const Mat m = stage(made, x, owner);
  const std::size_t taken = *made.device->uploads - before;
  CHECK((values<float>(*made.backend, m) == x));
  return taken;
}

// Sums over some epochs, and the copies that the later ones took.
struct Sums {
  std::vector<double> sums, counts;
  std::size_t later_copies = 0;
};

Sums sums_of(const Made& made, const std::vector<std::shared_ptr<std::vector<float>>>& batches, const std::vector<float>& c, bool owned) {
  Backend& backend = *made.backend;
  Queue& queue = backend.main_queue();
  const std::size_t k = c.size() / kCols;
  auto centers = backend.make_centers(k, kCols);
  backend.refresh(queue, *centers, matrix(backend, c, k, kCols));
  Mat sums = backend.allocate(k, kCols, DType::f64), counts = backend.allocate(k, 1, DType::f64);
  backend.zero(queue, sums);
  backend.zero(queue, counts);
  std::size_t first = 0;
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (const auto& b : batches) {
      const std::size_t rows = b->size() / kCols;
      const Mat weights = backend.stage(queue, b->data() + 7, rows, 1, 1, owned ? b : nullptr);  // in the same memory
      backend.nearest_sum(queue, stage(made, *b, owned ? b : nullptr), weights, *centers, {}, sums, counts, {});
    }
    if (epoch == 0) first = *made.device->uploads;
  }
  const std::size_t later = *made.device->uploads - first;
  return {values<double>(backend, sums), values<double>(backend, counts), later};
}

}  // namespace

TEST_CASE("later epochs copy nothing to the GPU, and compute the same", "[gpu][staged]") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  std::vector<std::shared_ptr<std::vector<float>>> batches;
  for (std::size_t rows : {300, 300, 41, 1}) batches.push_back(batch(random, rows));
  const std::vector<float> c = random_rows(random, 20, kCols);
  for (const Order order : {Order::ascending, Order::shuffled}) {
    for (const bool eager : {false, true}) {
      const Sums kept = sums_of(make(order, eager), batches, c, true), copied = sums_of(make(order, eager), batches, c, false);
      CHECK(kept.later_copies == 0);
      CHECK(copied.later_copies == 2 * 2 * batches.size());
      CHECK((kept.sums == copied.sums));
      CHECK((kept.counts == copied.counts));
    }
  }
}

TEST_CASE("the same memory is copied to the GPU again when its owner is another, or none", "[gpu][staged]") {
  const Made made = make(Order::ascending);
  std::mt19937 random(seed());
  std::vector<float> x = random_rows(random, kRows, kCols);
  Owner owner = new_owner();
  CHECK(copies(made, x, owner) == 1);
  CHECK(copies(made, x, owner) == 0);
  CHECK(copies(made, x, Owner(owner, x.data())) == 0);  // lives as long
  owner = nullptr;
  for (int i = 0; i < 20; ++i) {  // the new owner may lie where the old one lay
    x[0] += 1;
    owner = nullptr;
    owner = new_owner();
    CHECK(copies(made, x, owner) == 1);
  }
  for (const Owner& none : {Owner(), Owner(Owner(), x.data())}) {
    for (int i = 0; i < 2; ++i) {
      x[1] += 1;
      CHECK(copies(made, x, none) == 1);
    }
  }
}

TEST_CASE("other rows of one owner are other rows on the GPU", "[gpu][staged]") {
  const Made made = make(Order::shuffled);
  Backend& backend = *made.backend;
  const auto x = std::make_shared<std::vector<float>>(100);
  for (std::size_t i = 0; i < 100; ++i) (*x)[i] = static_cast<float>(i);
  const auto staged = [&](std::size_t first, std::size_t rows, std::size_t cols, std::size_t ld) {
    return values<float>(backend, backend.stage(backend.main_queue(), x->data() + first, rows, cols, ld, x));
  };
  for (int i = 0; i < 2; ++i) {
    CHECK(staged(0, 2, 3, 3) == std::vector<float>{0, 1, 2, 3, 4, 5});
    CHECK(staged(0, 3, 2, 2) == std::vector<float>{0, 1, 2, 3, 4, 5});
    CHECK(staged(0, 2, 3, 10) == std::vector<float>{0, 1, 2, 10, 11, 12});
    CHECK(staged(3, 2, 3, 10) == std::vector<float>{3, 4, 5, 13, 14, 15});
    CHECK(staged(0, 1, 3, 10) == std::vector<float>{0, 1, 2});
    CHECK(staged(0, 0, 3, 3).empty());
  }
  CHECK(*made.device->uploads == 5);
}

TEST_CASE("blocks on the GPU come back when the owner of their rows is gone", "[gpu][staged]") {
  const Made made = make(Order::ascending);
  std::mt19937 random(seed());
  const auto kept = batch(random);
  CHECK(copies(made, *kept, kept) == 1);
  std::size_t warm = 0;
  for (int i = 0; i < 40; ++i) {
    const auto passing = batch(random);
    CHECK(copies(made, *passing, passing) == 1);
    CHECK(copies(made, *passing, passing) == 0);
    if (i == 10) warm = made.device->allocations;
  }
  CHECK(made.device->allocations == warm);
  CHECK(made.device->used <= 5 * kBytes);  // the one kept, three in turn, the last
  CHECK(copies(made, *kept, kept) == 0);

  // Many at once, with blocks of a stream that goes on.
  std::vector<std::shared_ptr<std::vector<float>>> many;
  for (int i = 0; i < 30; ++i) {
    many.push_back(batch(random));
    CHECK(copies(made, *many.back(), many.back()) == 1);
  }
  const std::size_t most = made.device->used;
  many.clear();
  for (int i = 0; i < 60; ++i) {
    const auto passing = batch(random);
    CHECK(copies(made, *passing, passing) == 1);
  }
  CHECK(made.device->used == most);
  CHECK(copies(made, *kept, kept) == 0);
}

TEST_CASE("a matrix on the GPU outlives the owner of its rows", "[gpu][staged]") {
  const Made made = make(Order::ascending);
  std::mt19937 random(seed());
  auto first = batch(random);
  const std::vector<float> expected = *first;
  const Mat held = stage(made, *first, first), again = stage(made, *first, first);
  CHECK(held.buffer == again.buffer);
  first = nullptr;
  for (int i = 0; i < 10; ++i) {
    const auto passing = batch(random);
    copies(made, *passing, passing);
  }
  CHECK((values<float>(*made.backend, held) == expected));
}

TEST_CASE("rows kept on the GPU take no more than their share", "[gpu][staged]") {
  const Made made = make(Order::ascending);
  made.device->limit = 20 * kBytes;
  std::mt19937 random(seed());
  std::vector<std::shared_ptr<std::vector<float>>> batches;
  for (int i = 0; i < 30; ++i) batches.push_back(batch(random));
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::size_t taken = 0;
    for (const auto& b : batches) taken += copies(made, *b, b);
    CHECK(taken == (epoch == 0 ? 30 : 18));  // 12 of 20 blocks
    CHECK(made.device->used == 15 * kBytes);  // and three in turn
  }
  // Room that one leaves is another's.
  batches.erase(batches.begin(), batches.begin() + 4);
  for (int epoch = 0; epoch < 4; ++epoch) {
    std::size_t taken = 0;
    for (const auto& b : batches) taken += copies(made, *b, b);
    if (epoch == 3) CHECK(taken == 14);
  }
  CHECK(made.device->used <= 16 * kBytes);
}

TEST_CASE("rows kept on the GPU yield to memory that is needed", "[gpu][staged]") {
  const Made made = make(Order::ascending);
  made.device->limit = 20 * kBytes;
  std::mt19937 random(seed());
  std::vector<std::shared_ptr<std::vector<float>>> batches;
  for (int i = 0; i < 12; ++i) {
    batches.push_back(batch(random));
    CHECK(copies(made, *batches.back(), batches.back()) == 1);
  }
  Mat other = made.backend->allocate(8 * kRows, kCols, DType::f32);
  CHECK(copies(made, *batches[11], batches[11]) == 0);  // there was room for it

  batches.resize(6);  // the dead ones first
  other = {};
  other = made.backend->allocate(14 * kRows, kCols, DType::f32);
  for (const auto& b : batches) CHECK(copies(made, *b, b) == 0);

  const Mat held = stage(made, *batches[0], batches[0]);
  other = {};
  other = made.backend->allocate(18 * kRows, kCols, DType::f32);  // then all that no matrix uses, for good
  CHECK((values<float>(*made.backend, held) == *batches[0]));
  for (int i = 0; i < 2; ++i) CHECK(copies(made, *batches[1], batches[1]) == 1);
  CHECK_THROWS_WITH(made.backend->allocate(18 * kRows, kCols, DType::f32), Catch::Contains("no memory"));
}

TEST_CASE("threads stage rows of their own and of each other on one GPU backend", "[gpu][staged]") {
  const Made made = make(Order::ascending);
  made.device->limit = 40 * kBytes;
  std::mt19937 random(seed());
  std::vector<std::shared_ptr<std::vector<float>>> shared;
  for (int i = 0; i < 6; ++i) shared.push_back(batch(random));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 own(t);
      for (int i = 0; i < 15; ++i) {
        const auto x = i % 3 == 0 ? batch(own) : shared[own() % shared.size()];
        const Mat m = stage(made, *x, x);
        if (values<float>(*made.backend, m) != *x) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
