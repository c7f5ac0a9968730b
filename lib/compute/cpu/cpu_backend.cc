#include "compute/cpu/cpu_backend.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/memory.h"
#include "compute/checks.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

class HostBuffer final : public Buffer {
 public:
  HostBuffer(std::shared_ptr<const void> owner, void* data, std::size_t bytes)
      : owner_(std::move(owner)), data_(data), bytes_(bytes) {}
  void* data() const override { return data_; }
  std::size_t bytes() const override { return bytes_; }

 private:
  std::shared_ptr<const void> owner_;
  void* data_;
  std::size_t bytes_;
};

void check(const std::string& problem) {
  if (!problem.empty()) throw internal_error("{}", problem);
}

template <class T>
T* or_null(const Mat& m) {
  return m.empty() ? nullptr : m.at<T>();
}

constexpr std::size_t kSmall = std::size_t{1} << 16;  // numbers below which waking the team costs more than it saves

// Bytes of a row and addresses of rows, whatever the type.
std::size_t row_bytes(const Mat& m) { return m.cols * size_of(m.dtype); }
char* row_at(const Mat& m, std::size_t row) {
  return static_cast<char*>(m.buffer->data()) + (m.offset + row * m.ld) * size_of(m.dtype);
}

void spell_out(const CsrView& from, std::size_t row, float* to) {
  std::fill_n(to, from.cols, 0.0f);
  const std::uint64_t base = from.indptr[0], begin = from.indptr[row] - base, end = from.indptr[row + 1] - base;
  for (std::uint64_t i = begin; i < end; ++i) {
    if (from.indices[i] >= from.cols)
      throw internal_error("densify: row {} has column {} of {}", row, from.indices[i], from.cols);
    to[from.indices[i]] = from.values[i];
  }
}

void blend_row(const double* sums, double m, double& n, double decay, std::size_t d, float* c) {
  n *= decay;
  if (!(m > 0)) return;
  const double p = m / (n + m);
  for (std::size_t j = 0; j < d; ++j) {
    const double old = static_cast<double>(c[j]);
    c[j] = static_cast<float>((1 - p) * old + p * (sums[j] / m));
  }
  n += m;
}

}  // namespace

CpuBackend::CpuBackend(int threads, KernelLevel level)
    : kernels_(nearest_kernels(level)), gemm_(std::max(threads, 1)), nearest_sum_(std::max(threads, 1)) {
  if (threads < 1) throw internal_error("make_cpu_backend: {} threads; expected at least 1", threads);
  device_ = {"cpu", cpu_model(), smtrain::name_of(level), memory_budget().value, threads};
}

bool CpuBackend::supports(Op op, DType type) const {
  return type == DType::f32 || (op == Op::gemm && type == DType::f64);
}

void CpuBackend::wait(Queue&) {}

Mat CpuBackend::allocate(std::size_t rows, std::size_t cols, DType type) {
  const std::size_t size = size_of(type);
  if (cols != 0 && rows > std::numeric_limits<std::ptrdiff_t>::max() / size / cols)
    throw machine_error("cannot allocate {} x {} numbers of {} bytes", rows, cols, size);
  const std::size_t bytes = rows * cols * size;
  std::shared_ptr<char> memory = allocate_aligned(std::max<std::size_t>(bytes, 1));
  char* data = memory.get();
  return {std::make_shared<HostBuffer>(std::move(memory), data, bytes), 0, rows, cols, cols, type};
}

Mat CpuBackend::stage(Queue&, const float* host, std::size_t rows, std::size_t cols, std::size_t ld,
                      std::shared_ptr<const void> owner) {
  if (ld < cols) throw internal_error("stage: {} numbers between rows of {}", ld, cols);
  const std::size_t numbers = rows == 0 ? 0 : (rows - 1) * ld + cols;
  auto buffer = std::make_shared<HostBuffer>(std::move(owner), const_cast<float*>(host), numbers * sizeof(float));
  return {std::move(buffer), 0, rows, cols, ld, DType::f32};
}

void CpuBackend::write(Queue&, const Mat& to, const void* from) {
  check(any_problem("write", "to", to));
  for (std::size_t i = 0; i < to.rows && !to.empty(); ++i)
    std::memcpy(row_at(to, i), static_cast<const char*>(from) + i * row_bytes(to), row_bytes(to));
}

void CpuBackend::read(Queue&, void* to, const Mat& from) {
  check(any_problem("read", "from", from));
  for (std::size_t i = 0; i < from.rows && !from.empty(); ++i)
    std::memcpy(static_cast<char*>(to) + i * row_bytes(from), row_at(from, i), row_bytes(from));
}

void CpuBackend::zero(Queue&, const Mat& m) {
  check(any_problem("zero", "m", m));
  for (std::size_t i = 0; i < m.rows && !m.empty(); ++i) std::memset(row_at(m, i), 0, row_bytes(m));
}

void CpuBackend::densify(Queue&, const CsrView& from, const Mat& to) {
  check(mat_problem("densify", "to", to, from.rows, from.cols, DType::f32));
  if (to.empty()) return;
  ExceptionTrap trap;
  [[maybe_unused]] const int team = team_size(device_.threads, from.rows * from.cols / kSmall);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t i = 0; i < from.rows; ++i) trap.run(i, [&] { spell_out(from, i, to.at<float>(i)); });
  trap.rethrow();
}

void CpuBackend::gemm(Queue&, bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta,
                      const Mat& c) {
  check(gemm_problem(transpose_a, transpose_b, a, b, c));
  gemm_.run(transpose_a, transpose_b, alpha, a, b, beta, c);
}

std::unique_ptr<Backend::Centers> CpuBackend::make_centers(std::size_t k, std::size_t d) {
  auto centers = std::make_unique<PackedCenters>(kernels_, k, d);
  nearest_sum_.reserve(*centers);
  return centers;
}

const PackedCenters& CpuBackend::packed(const char* op, const Centers& centers) const {
  const auto* own = dynamic_cast<const PackedCenters*>(&centers);
  if (own == nullptr || &own->kernels() != &kernels_) throw internal_error("{}: the centres are of another backend", op);
  if (!own->ready()) throw internal_error("{}: the centres were never refreshed", op);
  return *own;
}

void CpuBackend::refresh(Queue&, Centers& centers, const Mat& c) {
  auto* own = dynamic_cast<PackedCenters*>(&centers);
  if (own == nullptr || &own->kernels() != &kernels_) throw internal_error("refresh: the centres are of another backend");
  check(mat_problem("refresh", "c", c, own->view().k, own->view().d, DType::f32));
  own->refresh(c.at<float>(), c.ld, device_.threads);
}

void CpuBackend::nearest(Queue&, const Mat& x, const Centers& centers, const Mat& ids, const Mat& distances) {
  const PackedCenters& own = packed("nearest", centers);
  check(nearest_problem(own.view().d, x, ids, distances));
  if (x.rows == 0) return;
  find_nearest(own, {x.at<float>(), x.rows, x.cols, x.ld, nullptr}, ids.at<std::int32_t>(), or_null<float>(distances),
               device_.threads);
}

void CpuBackend::nearest_sum(Queue&, const Mat& x, const Mat& weights, const Centers& centers, const Mat& ids,
                             const Mat& sums, const Mat& counts, const Mat& loss) {
  const PackedCenters& own = packed("nearest_sum", centers);
  check(nearest_sum_problem(own.view().k, own.view().d, x, weights, ids, sums, counts, loss));
  if (x.rows == 0) return;
  nearest_sum_.run(own, {x.at<float>(), x.rows, x.cols, x.ld, or_null<float>(weights)},
                   {or_null<std::int32_t>(ids), sums.at<double>(), sums.ld, counts.at<double>(), or_null<double>(loss)});
}

void CpuBackend::min_distance(Queue&, const Mat& x, const Mat& c, const Mat& d2) {
  check(min_distance_problem(x, c, d2));
  if (x.empty()) return;
  lower_distances(kernels_, {x.at<float>(), x.rows, x.cols, x.ld, nullptr}, c.at<float>(), d2.at<float>(), device_.threads);
}

void CpuBackend::blend_means(Queue&, const Mat& sums, const Mat& counts, double decay, const Mat& c, const Mat& n) {
  check(blend_means_problem(sums, counts, c, n));
  if (c.empty()) return;
  [[maybe_unused]] const int team = team_size(device_.threads, c.rows * c.cols / kSmall);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t j = 0; j < c.rows; ++j)
    blend_row(sums.at<double>(j), *counts.at<double>(j), *n.at<double>(j), decay, c.cols, c.at<float>(j));
}

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return std::make_unique<CpuBackend>(threads, kernel_level());
}

}  // namespace smtrain::compute
