// The operations of k-means and of models of weights on a device, beside what the device can do; prints one table.
//
//   device_bench [--device cuda|cpu] [--copy-bandwidth BYTES_PER_SECOND] [--rows N]
//
// Rows are on the device unless the shape says "from host"; "later epochs" stages what an earlier one has staged. A rate is the
// median of several passes, each ended by a wait.
// "of bandwidth" is the bytes that have to move (each input read once, each output written once) over the rate of cuda_copy;
// "of gemm" the multiply-adds over the rate of a large float32 gemm on the same device, which is measured first; the larger of the
// two is the share of the roofline. What sparse numbers point to counts each time that it is read. "difference" is the largest one from the CPU backend on the first rows, relative to the
// largest number; for ids the share of rows that differ.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>

#include "base/machine.h"
#include "base/memory.h"
#include "compute/cpu/cpu_backend.h"
#include "compute/cuda_module.h"

namespace {

using namespace smtrain;
using namespace smtrain::compute;

constexpr std::size_t kCompared = 20000;  // rows on which the CPU is asked too

struct Settings {
  std::string device = "cuda";
  double copy_bandwidth = 0;
  std::size_t rows = 10'000'000;
};

struct Line {
  std::string operation, shape;
  double rows_per_second = 0, bytes_per_row = 0, flops_per_row = 0;
  std::string difference;
};

// Uniform numbers of -1 ... 1 that depend on their place alone.
std::shared_ptr<float> numbers(std::size_t count, std::uint64_t seed) {
  auto x = allocate_array<float>(count);
#pragma omp parallel for
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t z = (i + seed * 0x51ed270b7ull) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    x.get()[i] = static_cast<float>(static_cast<double>(z >> 40) / (1 << 23) - 1);
  }
  return x;
}

template <class Pass>
double median_seconds(Backend& backend, Pass&& pass) {
  std::vector<double> seconds;
  const auto start = std::chrono::steady_clock::now();
  auto since = [](auto from) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count(); };
  for (int i = 0; i < 12 && (i < 4 || since(start) < 8); ++i) {
    const auto begin = std::chrono::steady_clock::now();
    pass();
    backend.wait(backend.main_queue());
    if (i > 0) seconds.push_back(since(begin));  // the first one warms up
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

template <class T>
std::vector<T> values(Backend& backend, const Mat& m) {
  std::vector<T> out(m.rows * m.cols);
  backend.read(backend.main_queue(), out.data(), m);
  return out;
}

Mat zeros(Backend& backend, std::size_t rows, std::size_t cols, DType type) {
  Mat m = backend.allocate(rows, cols, type);
  backend.zero(backend.main_queue(), m);
  return m;
}

template <class T>
std::string difference(const std::vector<T>& a, const std::vector<T>& b) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return fmt::format("{:.1e}", largest > 0 ? worst / largest : worst);
}

// One step of k-means on some rows and what comes out of it.
struct Step {
  Step(Backend& b, const float* host_centers, std::size_t k, std::size_t d)
      : backend(b), centers(b.make_centers(k, d)), c(b.allocate(k, d, DType::f32)), sums(zeros(b, k, d, DType::f64)),
        counts(zeros(b, k, 1, DType::f64)), loss(zeros(b, 1, 1, DType::f64)), seen(zeros(b, k, 1, DType::f64)) {
    b.write(b.main_queue(), c, host_centers);
    b.refresh(b.main_queue(), *centers, c);
  }
  void add(const Mat& x, bool with_loss, const Mat& ids = {}) {
    backend.nearest_sum(backend.main_queue(), x, {}, *centers, ids, sums, counts, with_loss ? loss : Mat{});
  }
  void move() {
    Queue& queue = backend.main_queue();
    backend.blend_means(queue, sums, counts, 1, c, seen);
    for (const Mat& m : {sums, counts, loss}) backend.zero(queue, m);
    backend.refresh(queue, *centers, c);
  }

  Backend& backend;
  std::unique_ptr<Backend::Centers> centers;
  Mat c, sums, counts, loss, seen;
};

// Rows of `nonzeros` numbers each, spread over all columns.
struct SparseNumbers {
  SparseNumbers(std::size_t n, std::size_t d, std::size_t nonzeros)
      : rows(n), cols(d), indptr(n + 1), indices(n * nonzeros), values(numbers(n * nonzeros, 5)) {
    const auto places = numbers(n * nonzeros, 6);
    const double width = static_cast<double>(d) / static_cast<double>(nonzeros);
    for (std::size_t i = 0; i <= n; ++i) indptr[i] = i * nonzeros;
    for (std::size_t i = 0; i < indices.size(); ++i)
      indices[i] = static_cast<std::uint32_t>((static_cast<double>(i % nonzeros) + 0.499 * (static_cast<double>(places.get()[i]) + 1)) * width);
  }
  CsrView view(std::size_t first, std::size_t count) const {
    return {indptr.data() + first, indices.data() + indptr[first], values.get() + indptr[first], count, cols};
  }
  std::size_t rows, cols;
  std::vector<std::uint64_t> indptr;
  std::vector<std::uint32_t> indices;
  std::shared_ptr<float> values;
};

// p logistic models of sparse rows and what training them by Adam takes.
struct Models {
  Models(Backend& b, std::size_t n, std::size_t d, std::size_t p)
      : backend(b), queue(b.main_queue()), rows(b.make_sparse_rows()), set(b.make_row_set(d)), w(zeros(b, d, p, DType::f32)),
        g(zeros(b, d, p, DType::f32)), m(zeros(b, d, p, DType::f32)), v(zeros(b, d, p, DType::f32)), z(zeros(b, n, p, DType::f32)),
        bias(zeros(b, 1, p, DType::f32)), bias_gradient(zeros(b, 1, p, DType::f32)), loss(zeros(b, 1, p, DType::f64)),
        columns(b.allocate(3, 1, DType::f32)) {
    b.write(queue, w, numbers(d * p, 7).get());
    b.write(queue, columns, std::vector<float>{0.01f, 1e-4f, 0}.data());
  }
  void load(const CsrView& x, std::shared_ptr<const void> owner) { backend.load(queue, *rows, x, {}, std::move(owner)); }
  void multiply(std::size_t n) { backend.multiply(queue, *rows, w, z.row_range(0, n)); }
  void derive(const Mat& labels) {
    LossRule rule;
    rule.loss = Loss::logistic;
    backend.derive_loss(queue, rule, labels, {}, {}, bias, z.row_range(0, labels.rows), bias_gradient, loss);
  }
  void multiply_transposed(std::size_t n) { backend.multiply_transposed(queue, *rows, z.row_range(0, n), g, *set); }
  void step(bool touched) { backend.step(queue, {}, columns, g, w, m, v, touched ? set.get() : nullptr); }
  void learn(const CsrView& x, const Mat& labels, std::shared_ptr<const void> owner) {
    load(x, std::move(owner));
    multiply(x.rows);
    derive(labels);
    multiply_transposed(x.rows);
    step(true);
  }

  Backend& backend;
  Queue& queue;
  std::unique_ptr<Backend::SparseRows> rows;
  std::unique_ptr<Backend::RowSet> set;
  Mat w, g, m, v, z, bias, bias_gradient, loss, columns;
};

class Bench {
 public:
  Bench(const Settings& settings, Backend& device) : settings_(settings), device_(device), cpu_(make_cpu_backend(online_cpus())) {}

  void run() {
    gemm_rate();
    k_means(settings_.rows, 64, 1024, true);
    k_means(settings_.rows / 2, 32, 100, false);
    k_means(settings_.rows / 20, 784, 10, false);
    k_means(settings_.rows / 20, 784, 1000, false);
    standardize(settings_.rows / 10, 200);
    sparse_models(settings_.rows / 20, std::size_t{1} << 20, 39, 1);
    sparse_models(settings_.rows / 100, std::size_t{1} << 18, 39, 32);
    factors(settings_.rows / 20, std::size_t{1} << 18, 39, 64);
    print();
  }

 private:
  static int online_cpus() { return default_threads().value; }

  void gemm_rate() {
    const std::size_t n = device_.device().kind == "cpu" ? 2048 : 8192;
    const auto a = numbers(n * n, 1), b = numbers(n * n, 2);
    Mat ma = device_.allocate(n, n, DType::f32), mb = device_.allocate(n, n, DType::f32), mc = device_.allocate(n, n, DType::f32);
    device_.write(device_.main_queue(), ma, a.get());
    device_.write(device_.main_queue(), mb, b.get());
    const double seconds = median_seconds(device_, [&] { device_.gemm(device_.main_queue(), false, true, 1, ma, mb, 0, mc); });
    const double flops = 2.0 * static_cast<double>(n) * static_cast<double>(n);
    gemm_ = flops * static_cast<double>(n) / seconds;
    const std::size_t m = 256;
    Mat want = cpu_->allocate(m, n, DType::f32);
    auto on_cpu = [&](const std::shared_ptr<float>& x, std::size_t rows) { return cpu_->stage(cpu_->main_queue(), x.get(), rows, n, n, x); };
    cpu_->gemm(cpu_->main_queue(), false, true, 1, on_cpu(a, m), on_cpu(b, n), 0, want);
    lines_.push_back({"gemm f32", fmt::format("{} x {} x {}", n, n, n), static_cast<double>(n) / seconds, 12.0 * static_cast<double>(n), flops,
                      difference(values<float>(device_, mc.row_range(0, m)), values<float>(*cpu_, want))});
  }

  void k_means(std::size_t n, std::size_t d, std::size_t k, bool from_host) {
    const auto x = numbers(n * d, 3), c = numbers(k * d, 4);
    const std::string shape = fmt::format("{} x {}, k={}", n, d, k);
    const double row = 4.0 * static_cast<double>(d), flops = 2.0 * static_cast<double>(d) * static_cast<double>(k);
    const Mat rows = device_.allocate(n, d, DType::f32), d2 = device_.allocate(n, 1, DType::f32), ids = device_.allocate(n, 1, DType::i32);
    device_.write(device_.main_queue(), rows, x.get());
    Step step(device_, c.get(), k, d);
    auto rate = [&](auto&& pass) { return static_cast<double>(n) / median_seconds(device_, pass); };
    const double nearest = rate([&] { device_.nearest(device_.main_queue(), rows, *step.centers, ids, {}); });
    const double answer = rate([&] { device_.nearest(device_.main_queue(), rows, *step.centers, ids, d2); });
    const double sum = rate([&] { step.add(rows, false); });
    const double loss = rate([&] { step.add(rows, true); });
    const double seed = rate([&] { device_.min_distance(device_.main_queue(), rows, rows.row_range(1, 1), d2); });
    const Compared compared = compare(x, c, std::min(n, kCompared), d, k);
    lines_.push_back({"nearest", shape, nearest, row + 4, flops, compared.ids});
    lines_.push_back({"nearest with distances", shape, answer, row + 8, flops, compared.distances});
    lines_.push_back({"nearest_sum", shape, sum, row, flops, compared.sums});
    lines_.push_back({"nearest_sum with loss", shape, loss, row, flops, compared.loss});
    lines_.push_back({"min_distance", shape, seed, row + 8, 2.0 * static_cast<double>(d), compared.seeding});
    if (!from_host) return;
    // Mini-batches as training stages them: reading is left out, the way to the device is not. Without an owner they are copied in
    // each epoch; with one those after the first find them on the device.
    const std::size_t batch = std::max<std::size_t>((std::size_t{64} << 20) / (d * sizeof(float)), 1);
    for (const bool owned : {false, true}) {
      const double staged = rate([&] {
        for (std::size_t i = 0; i < n; i += batch) {
          const Mat rows_of_batch = device_.stage(device_.main_queue(), x.get() + i * d, std::min(batch, n - i), d, d, owned ? x : nullptr);
          step.add(rows_of_batch, false);
          step.move();
        }
      });
      lines_.push_back({"k-means epoch", shape + (owned ? ", later epochs" : ", from host"), staged, row, flops, ""});
    }
  }

  struct Compared {
    std::string ids, distances, sums, loss, seeding;
  };
  Compared compare(const std::shared_ptr<float>& x, const std::shared_ptr<float>& c, std::size_t n, std::size_t d, std::size_t k) {
    std::vector<std::int32_t> ids[2];
    std::vector<float> distances[2], seeding[2];
    std::vector<double> sums[2], loss[2];
    for (const int i : {0, 1}) {
      Backend& backend = i == 0 ? device_ : *cpu_;
      Queue& queue = backend.main_queue();
      const Mat rows = backend.stage(queue, x.get(), n, d, d, x);
      Step step(backend, c.get(), k, d);
      const Mat found = backend.allocate(n, 1, DType::i32), d2 = backend.allocate(n, 1, DType::f32), lower = backend.allocate(n, 1, DType::f32);
      backend.write(queue, lower, std::vector<float>(n, 1e30f).data());
      backend.nearest(queue, rows, *step.centers, found, d2);
      backend.min_distance(queue, rows, step.c.row_range(0, 1), lower);
      step.add(rows, true);
      ids[i] = values<std::int32_t>(backend, found);
      distances[i] = values<float>(backend, d2);
      seeding[i] = values<float>(backend, lower);
      sums[i] = values<double>(backend, step.sums);
      loss[i] = values<double>(backend, step.loss);
    }
    std::size_t other = 0;
    for (std::size_t i = 0; i < n; ++i) other += ids[0][i] != ids[1][i] ? 1 : 0;
    return {fmt::format("{:.1e} of ids", static_cast<double>(other) / static_cast<double>(n)), difference(distances[0], distances[1]),
            difference(sums[0], sums[1]), difference(loss[0], loss[1]), difference(seeding[0], seeding[1])};
  }

  void standardize(std::size_t n, std::size_t d) {
    const auto x = numbers(n * d, 8), columns = numbers(2 * d, 9);
    const Mat rows = device_.allocate(n, d, DType::f32);
    device_.write(device_.main_queue(), rows, x.get());
    for (const DType type : {DType::f32, DType::f64}) {
      const std::vector<double> wide(columns.get(), columns.get() + 2 * d);
      const auto pass = [&](Backend& backend, const Mat& from, const Mat& to) {
        const Mat two = backend.allocate(2, d, type);
        backend.write(backend.main_queue(), two, type == DType::f64 ? static_cast<const void*>(wide.data()) : columns.get());
        backend.standardize(backend.main_queue(), from, two.row_range(0, 1), two.row_range(1, 1), to);
      };
      const std::size_t few = std::min(n, kCompared);
      const Mat y = device_.allocate(n, d, type), want = cpu_->allocate(few, d, type);
      const double seconds = median_seconds(device_, [&] { pass(device_, rows, y); });
      pass(*cpu_, cpu_->stage(cpu_->main_queue(), x.get(), few, d, d, x), want);
      const std::string other = type == DType::f64 ? difference(values<double>(device_, y.row_range(0, few)), values<double>(*cpu_, want))
                                                   : difference(values<float>(device_, y.row_range(0, few)), values<float>(*cpu_, want));
      lines_.push_back({fmt::format("standardize {}", name_of(type)), fmt::format("{} x {}", n, d), static_cast<double>(n) / seconds,
                        static_cast<double>(d * (4 + size_of(type))), 0, other});
    }
  }

  // As training goes over them: mini-batches of some thousand rows from the host; those of later epochs find them on the device.
  void sparse_models(std::size_t n, std::size_t d, std::size_t nonzeros, std::size_t p) {
    const auto x = std::make_shared<SparseNumbers>(n, d, nonzeros);
    std::vector<float> labels(n);
    for (std::size_t i = 0; i < n; ++i) labels[i] = static_cast<float>(i % 3 == 0);
    const std::string shape = fmt::format("{} x {} of {}, {} model{}", n, nonzeros, d, p, p == 1 ? "" : "s");
    const auto compared = compare_models(*x, labels, p);
    Models models(device_, n, d, p);
    const Mat y = device_.allocate(n, 1, DType::f32);
    device_.write(device_.main_queue(), y, labels.data());
    auto rate = [&](std::size_t rows, auto&& pass) { return static_cast<double>(rows) / median_seconds(device_, pass); };
    const double k = static_cast<double>(nonzeros), wide = static_cast<double>(p), flops = 2 * k * wide;
    const double load = rate(n, [&] { models.load(x->view(0, n), nullptr); });
    lines_.push_back({"load sparse rows", shape + ", from host", load, 20 * k, 0, ""});
    lines_.push_back({"multiply", shape, rate(n, [&] { models.multiply(n); }), k * (8 + 4 * wide) + 4 * wide, flops, compared.scores});
    lines_.push_back({"derive_loss", shape, rate(n, [&] { models.derive(y); }), 8 * wide + 4, 0, compared.slopes});
    lines_.push_back({"multiply_transposed", shape, rate(n, [&] { models.multiply_transposed(n); }), k * (12 + 4 * wide), flops,
                      compared.gradient});
    lines_.push_back({"step (adam)", fmt::format("{} x {}, all", d, p), rate(d, [&] { models.step(false); }), 32 * wide, 0, compared.weights});
    const std::size_t batch = 10000;
    for (const bool owned : {false, true}) {
      const double epoch = rate(n, [&] {
        for (std::size_t i = 0; i < n; i += batch) {
          const std::size_t count = std::min(batch, n - i);
          models.learn(x->view(i, count), device_.stage(device_.main_queue(), labels.data() + i, count, 1, 1, nullptr), owned ? x : nullptr);
        }
      });
      lines_.push_back({"epoch of sparse models", shape + (owned ? ", later epochs" : ", from host"), epoch, k * (40 + 8 * wide), 2 * flops, ""});
    }
  }

  // Both operations of factorization machines, whose gradient is added to again and again.
  void factors(std::size_t n, std::size_t d, std::size_t nonzeros, std::size_t k) {
    const SparseNumbers x(n, d, nonzeros);
    const auto parameters = numbers(d * (k + 1), 10), slopes = numbers(n, 11);
    const std::size_t few = std::min(n, kCompared);
    std::vector<float> scores[2], gradient[2];
    double rates[2] = {0, 0};
    for (const int i : {0, 1}) {
      Backend& backend = i == 0 ? device_ : *cpu_;
      Queue& queue = backend.main_queue();
      const auto rows = backend.make_sparse_rows();
      const auto set = backend.make_row_set(d);
      const Mat p = backend.allocate(d, k + 1, DType::f32), g = zeros(backend, d, k + 1, DType::f32);
      const Mat s = backend.allocate(n, k, DType::f32), z = backend.allocate(n, 1, DType::f32), r = backend.allocate(n, 1, DType::f32);
      backend.write(queue, p, parameters.get());
      backend.write(queue, r, slopes.get());
      const auto forward = [&](std::size_t count) { backend.factor_scores(queue, *rows, p, s.row_range(0, count), z.row_range(0, count)); };
      const auto backward = [&](std::size_t count) {
        backend.factor_gradient(queue, *rows, p, s.row_range(0, count), r.row_range(0, count), g, *set);
      };
      backend.load(queue, *rows, x.view(0, few), {}, nullptr);
      forward(few);
      backward(few);
      scores[i] = values<float>(backend, z.row_range(0, few));
      gradient[i] = values<float>(backend, g);
      if (i == 1) continue;
      backend.load(queue, *rows, x.view(0, n), {}, nullptr);
      rates[0] = static_cast<double>(n) / median_seconds(backend, [&] { forward(n); });
      rates[1] = static_cast<double>(n) / median_seconds(backend, [&] { backward(n); });
    }
    const std::string shape = fmt::format("{} x {} of {}, {} factors", n, nonzeros, d, k);
    const double wide = static_cast<double>(k + 1), number = static_cast<double>(nonzeros);
    lines_.push_back({"factor_scores", shape, rates[0], number * (8 + 4 * wide) + 4 * wide, 4 * number * wide, difference(scores[0], scores[1])});
    lines_.push_back({"factor_gradient", shape, rates[1], number * (16 + 8 * wide), 6 * number * wide, difference(gradient[0], gradient[1])});
  }

  struct ComparedModels {
    std::string scores, slopes, gradient, weights;
  };
  ComparedModels compare_models(const SparseNumbers& x, const std::vector<float>& labels, std::size_t p) {
    const std::size_t n = std::min(x.rows, kCompared);
    std::vector<float> scores[2], slopes[2], gradient[2], weights[2];
    for (const int i : {0, 1}) {
      Backend& backend = i == 0 ? device_ : *cpu_;
      Models models(backend, n, x.cols, p);
      models.load(x.view(0, n), nullptr);
      models.multiply(n);
      scores[i] = values<float>(backend, models.z);
      models.derive(backend.stage(backend.main_queue(), labels.data(), n, 1, 1, nullptr));
      slopes[i] = values<float>(backend, models.z);
      models.multiply_transposed(n);
      gradient[i] = values<float>(backend, models.g);
      models.step(true);
      weights[i] = values<float>(backend, models.w);
    }
    return {difference(scores[0], scores[1]), difference(slopes[0], slopes[1]), difference(gradient[0], gradient[1]),
            difference(weights[0], weights[1])};
  }

  void print() const {
    const double bandwidth = settings_.copy_bandwidth;
    fmt::print("device: {} {} ({}); float32 gemm {:.3g} TFLOP/s; copy {}\n\n", device_.device().kind, device_.device().name,
               device_.device().kernels, gemm_ / 1e12, bandwidth > 0 ? fmt::format("{:.0f} GB/s", bandwidth / 1e9) : "not measured");
    fmt::print("| operation | shape | rows/s | of bandwidth | of gemm | difference from CPU |\n|---|---|---:|---:|---:|---|\n");
    for (const Line& line : lines_) {
      const std::string share = bandwidth > 0 ? fmt::format("{:.1f} %", 100 * line.rows_per_second * line.bytes_per_row / bandwidth) : "-";
      fmt::print("| {} | {} | {:.3g} | {} | {:.1f} % | {} |\n", line.operation, line.shape, line.rows_per_second, share,
                 100 * line.rows_per_second * line.flops_per_row / gemm_, line.difference);
    }
  }

  const Settings& settings_;
  Backend& device_;
  std::unique_ptr<Backend> cpu_;
  double gemm_ = 0;
  std::vector<Line> lines_;
};

class ErrorLog final : public Log {
 public:
  void write(Level, std::string_view line) override { std::cerr << line << '\n'; }
};

int run(const Settings& settings) {
  static ErrorLog log;
  std::unique_ptr<Backend> device;
  if (settings.device == "cpu") {
    device = make_cpu_backend(default_threads().value);
  } else {
    const CudaReport report = probe_cuda(std::nullopt, 0);
    if (report.missing != CudaMissing::nothing) {
      std::cerr << "no GPU: " << report.problem << '\n';
      return 3;
    }
    device = make_cuda_backend(report, log);
  }
  Bench(settings, *device).run();
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    if (name == "--device") settings.device = arguments[i + 1];
    else if (name == "--copy-bandwidth") settings.copy_bandwidth = std::atof(arguments[i + 1]);
    else if (name == "--rows") settings.rows = static_cast<std::size_t>(std::atoll(arguments[i + 1]));
    else return std::cerr << "device_bench: unknown option " << name << '\n', 2;
  }
  try {
    return run(settings);
  } catch (const std::exception& e) {
    std::cerr << "device_bench: " << e.what() << '\n';
    return 1;
  }
}
