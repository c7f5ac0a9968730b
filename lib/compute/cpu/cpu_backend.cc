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

// The CPU's own form of what make_* has handed out.
template <class Own, class Made>
Own& own(const char* op, Made& made) {
  auto* mine = dynamic_cast<Own*>(&made);
  if (mine == nullptr) throw internal_error("{}: rows of another backend", op);
  return *mine;
}

std::string set_problem(const char* op, const CpuRowSet& set, const Mat& m) {
  return mat_problem(op, "the matrix of the set", m, set.universe(), m.cols, DType::f32);
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
    : kernels_(nearest_kernels(level)), search_kernels_(search_kernels(level)), gemm_(std::max(threads, 1)), gram_(gram_kernels(level), std::max(threads, 1)),
      nearest_sum_(std::max(threads, 1)), learning_kernels_(learning_kernels(level)), learning_(learning_kernels_, threads),
      vector_product_(learning_kernels_, threads),
      transposed_product_(learning_kernels_, threads),
      factor_kernels_(factor_kernels(level)) {
  if (threads < 1) throw internal_error("make_cpu_backend: {} threads; expected at least 1", threads);
  device_ = {"cpu", cpu_model(), smtrain::name_of(level), memory_budget().value, threads};
}

bool CpuBackend::supports(Op op, DType type) const {
  return type == DType::f32 || (type == DType::f64 && (op == Op::gemm || op == Op::standardize));
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
  if (is_vector_product(transpose_b, b, c)) return vector_product_.run(transpose_a, alpha, a, b, beta, c);
  gemm_.run(transpose_a, transpose_b, alpha, a, b, beta, c);
}

void CpuBackend::add_gram(Queue&, const Mat& y, const Mat& g) {
  check(add_gram_problem(y, g));
  if (!y.empty()) gram_.add({y.at<double>(), y.rows, y.cols, y.ld}, g.at<double>(), g.ld);
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

std::unique_ptr<Backend::Points> CpuBackend::make_points(Queue&, const Mat& rows, Closeness closeness) {
  check(make_points_problem(rows));
  return std::make_unique<SearchPoints>(*this, search_kernels_, rows, closeness, device_.threads);
}

void CpuBackend::top_nearest(Queue&, const Mat& x, const Points& points, const Mat& ids, const Mat& scores) {
  const auto* own = dynamic_cast<const SearchPoints*>(&points);
  if (own == nullptr || &own->kernels() != &search_kernels_) throw internal_error("top_nearest: the points are of another backend");
  check(top_nearest_problem(own->rows().rows, own->rows().cols, x, ids, scores));
  if (x.rows > 0) own->find(x, ids, scores, device_.threads);
}

void CpuBackend::standardize(Queue&, const Mat& x, const Mat& shift, const Mat& scale, const Mat& y) {
  check(standardize_problem(x, shift, scale, y));
  if (!x.empty()) compute::standardize(learning_kernels_, x, shift, scale, y, device_.threads);
}

std::unique_ptr<Backend::SparseRows> CpuBackend::make_sparse_rows() { return std::make_unique<CpuSparseRows>(); }

void CpuBackend::load(Queue&, SparseRows& to, const CsrView& from, const Mat& scale, std::shared_ptr<const void> owner) {
  if (!scale.empty()) check(mat_problem("load", "scale", scale, 1, from.cols, DType::f32));
  own<CpuSparseRows>("load", to).load(from, or_null<float>(scale), std::move(owner), device_.threads);
}

std::unique_ptr<Backend::RowSet> CpuBackend::make_row_set(std::size_t rows) { return std::make_unique<CpuRowSet>(rows); }

void CpuBackend::multiply(Queue&, const SparseRows& x, const Mat& w, const Mat& z) {
  const auto& rows = own<const CpuSparseRows>("multiply", x);
  check(sparse_problem("multiply", rows.rows(), rows.cols(), z, w));
  if (!z.empty()) sparse_multiply(learning_kernels_, rows, w, z, device_.threads);
}

void CpuBackend::multiply_transposed(Queue&, const SparseRows& x, const Mat& r, const Mat& g, RowSet& touched) {
  const auto& rows = own<const CpuSparseRows>("multiply_transposed", x);
  auto& set = own<CpuRowSet>("multiply_transposed", touched);
  check(sparse_problem("multiply_transposed", rows.rows(), rows.cols(), r, g));
  check(set_problem("multiply_transposed", set, g));
  if (r.empty()) return;
  transposed_product_.run(rows, r, g, set);
}

Backend::PickedRows CpuBackend::pick(Queue&, const RowSet& set, const Mat& g) {
  const auto& rows = own<const CpuRowSet>("pick", set);
  check(set_problem("pick", rows, g));
  PickedRows picked;
  picked.ids = rows.rows();
  std::sort(picked.ids.begin(), picked.ids.end());
  picked.values.reserve(picked.ids.size() * g.cols);
  for (const std::uint32_t id : picked.ids) picked.values.insert(picked.values.end(), g.at<float>(id), g.at<float>(id) + g.cols);
  return picked;
}

void CpuBackend::put(Queue&, const PickedRows& rows, RowSet& set, const Mat& g) {
  auto& own_set = own<CpuRowSet>("put", set);
  check(set_problem("put", own_set, g));
  check(put_problem(rows, g));
  own_set.add(rows.ids);
  if (own_set.rows().size() != rows.ids.size()) throw internal_error("put: the set holds rows that are not among those given");
  for (std::size_t i = 0; i < rows.ids.size(); ++i) std::copy_n(rows.values.data() + i * g.cols, g.cols, g.at<float>(rows.ids[i]));
}

void CpuBackend::derive_loss(Queue&, const LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive, const Mat& bias,
                             const Mat& z, const Mat& bias_gradient, const Mat& loss) {
  check(derive_loss_problem(rule, labels, weights, positive, bias, z, bias_gradient, loss));
  if (z.empty()) return;
  learning_.derive_loss(rule, labels, weights, positive, bias, z, bias_gradient, loss);
}

void CpuBackend::step(Queue&, const StepRule& rule, const Mat& columns, const Mat& g, const Mat& t, const Mat& m, const Mat& v,
                      RowSet* touched, const Mat& trail) {
  check(step_problem(rule, columns, g, t, m, v, trail));
  if (t.empty()) return;
  if (touched == nullptr) return learning_.step(rule, columns, {g, t, m, v, trail}, nullptr);
  auto& set = own<CpuRowSet>("step", *touched);
  check(set_problem("step", set, t));
  learning_.step(rule, columns, {g, t, m, v, trail}, &set.rows());
  set.clear();
}

void CpuBackend::factor_scores(Queue&, const SparseRows& x, const Mat& p, const Mat& s, const Mat& z) {
  const auto& rows = own<const CpuSparseRows>("factor_scores", x);
  check(factor_problem("factor_scores", rows.rows(), rows.cols(), p, s, z, nullptr));
  if (!z.empty()) compute::factor_scores(factor_kernels_, rows, p, s, z, device_.threads);
}

void CpuBackend::factor_gradient(Queue&, const SparseRows& x, const Mat& p, const Mat& s, const Mat& r, const Mat& g, RowSet& touched) {
  const auto& rows = own<const CpuSparseRows>("factor_gradient", x);
  auto& set = own<CpuRowSet>("factor_gradient", touched);
  check(factor_problem("factor_gradient", rows.rows(), rows.cols(), p, s, r, &g));
  check(set_problem("factor_gradient", set, g));
  if (r.empty()) return;
  set.add(rows.by_column(device_.threads).columns);
  compute::factor_gradient(factor_kernels_, rows, p, s, r, g, device_.threads);
}

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return std::make_unique<CpuBackend>(threads, kernel_level());
}

}  // namespace smtrain::compute
