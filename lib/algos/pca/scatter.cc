// The exact sums: the scatter matrix, streamed.
//
// Rows are shifted by a mean known beforehand (that of the first mini-batch), in float64, and get a column of ones; the products of all
// columns with all then hold the scatter about the shift, the sums of the columns and the weight. What the shift was in error is taken
// off at the end, when it is small: no digits cancel, however far the data lie from the origin. Sparse rows of few entries are added
// pair by pair about the origin instead, where nothing cancels either since most numbers are zero.
//
// Costs per row: d^2 operations in float64 (one triangle) against 4 d bytes read once; or e^2 / 2 for e entries.
#include <algorithm>

#include "algos/pca/rows.h"
#include "algos/pca/sums.h"
#include "algos/pca/triangle.h"
#include "base/error.h"
#include "compute/eigen.h"

namespace smtrain::pca {
namespace {

using compute::DType;
using formats::Batch;
using formats::NamedTensor;

// A product of scattered entries takes about as long as so many of a dense one.

class Scatter final : public Sums {
 public:
  Scatter(job::Context& context, SumsPlan plan)
      : backend_(context.backend()), queue_(backend_.main_queue()), workers_(context.communicator()), d_(plan.d), centred_(plan.centred),
        rows_(backend_, plan.d, std::move(plan.shift)) {}

  void add(const Batch& piece) override;
  std::uint64_t close(std::uint64_t rows) override;
  void save(job::State& state) const override;
  void restore(const job::State& state) override;
  void continue_from(const job::Model& model) override;
  Fit finish(std::size_t k) override;

 private:
  bool pairwise(const Batch& piece) const;
  void add_pairs(const Batch& piece);
  void need_device();
  Triangle device_sums() const;
  void combine();
  Triangle all_sums() const;
  Triangle about_mean(const Triangle& sums, Moments& moments) const;
  void decompose(Triangle scatter, std::size_t k, Fit& fit);

  compute::Backend& backend_;
  compute::Queue& queue_;
  dist::Communicator& workers_;
  const std::size_t d_;
  const bool centred_;
  ShiftedRows rows_;
  compute::Mat device_;       // (d + 1, d + 1) f64: products of this process; not there before they are needed
  Triangle pairs_;            // the same of sparse rows, on the host
  Triangle together_;         // of all processes, where there are several, up to the last close()
  std::uint64_t seen_ = 0;    // rows of all processes
  Moments before_;            // of the start model
  Triangle scatter_before_;
};

bool Scatter::pairwise(const Batch& piece) const {
  if (!piece.sparse() || !rows_.shift().empty()) return false;
  double pairs = 0;
  for (std::size_t i = 0; i < piece.rows; ++i) {
    const double count = static_cast<double>(piece.indptr[i + 1] - piece.indptr[i]);
    pairs += count * count;
  }
  return kScattered * pairs <= static_cast<double>(piece.rows) * static_cast<double>(d_) * static_cast<double>(d_);
}

void Scatter::need_device() {
  if (device_.rows > 0) return;
  device_ = backend_.allocate(d_ + 1, d_ + 1, DType::f64);
  backend_.zero(queue_, device_);
}

void Scatter::add(const Batch& piece) {
  if (piece.rows == 0) return;
  if (pairwise(piece)) return add_pairs(piece);
  need_device();
  rows_.for_each(piece, [&](const compute::Mat& y) { backend_.add_gram(queue_, y, device_); });
}

void Scatter::add_pairs(const Batch& piece) {
  if (pairs_.empty()) pairs_ = Triangle(d_ + 1);
  const std::uint64_t base = piece.indptr[0];
  for (std::size_t i = 0; i < piece.rows; ++i) {
    const double weight = piece.weights == nullptr ? 1.0 : static_cast<double>(piece.weights[i]);
    const std::uint64_t end = piece.indptr[i + 1] - base;
    for (std::uint64_t a = piece.indptr[i] - base; a < end; ++a) {
      const std::size_t column = piece.indices[a];
      const double v = weight * static_cast<double>(piece.values[a]);
      double* to = pairs_.row(column).data() - column;
      for (std::uint64_t b = a; b < end; ++b) to[piece.indices[b]] += v * static_cast<double>(piece.values[b]);
      to[d_] += v;
    }
    pairs_.row(d_)[0] += weight;
  }
}

Triangle Scatter::device_sums() const {
  Triangle sums(d_ + 1);
  if (device_.rows == 0) return sums;
  for (std::size_t i = 0; i <= d_; ++i) {
    compute::Mat row = device_.row_range(i, 1);
    row.offset += i;
    row.cols -= i;
    backend_.read(queue_, sums.row(i).data(), row);
  }
  return sums;
}

std::uint64_t Scatter::close(std::uint64_t rows) {
  double all = static_cast<double>(rows);
  if (workers_.size() > 1) {
    workers_.allreduce(std::span(&all, 1));
    combine();
  }
  seen_ += static_cast<std::uint64_t>(all);
  return static_cast<std::uint64_t>(all);
}

// Every process then holds the sums of all, which one of them may save.
void Scatter::combine() {
  Triangle sums = device_sums();
  const auto add = [](Triangle& to, const Triangle& from) {
    for (std::size_t i = 0; i < from.numbers().size(); ++i) to.numbers()[i] += from.numbers()[i];
  };
  add(sums, pairs_);
  workers_.allreduce(sums.numbers());
  if (together_.empty()) together_ = Triangle(d_ + 1);
  add(together_, sums);
  if (device_.rows > 0) backend_.zero(queue_, device_);
  std::fill(pairs_.numbers().begin(), pairs_.numbers().end(), 0.0);
}

void Scatter::save(job::State& state) const {
  state.put("pca.rows", seen_);
  const auto put = [&](const char* name, const Triangle& sums) { state.put(name, {sums.numbers().size()}, sums.numbers()); };
  if (!together_.empty()) put("pca.together", together_);
  if (workers_.size() > 1) return;  // nothing is left out of them
  if (device_.rows > 0) put("pca.device", device_sums());
  if (!pairs_.empty()) put("pca.pairs", pairs_);
}

void Scatter::restore(const job::State& state) {
  seen_ = state.count("pca.rows");
  const auto get = [&](const char* name) {
    const std::size_t e = d_ + 1;
    return Triangle(e, state.f64(name, {e * (e + 1) / 2}));
  };
  if (state.has("pca.together")) together_ = get("pca.together");
  if (state.has("pca.pairs")) pairs_ = get("pca.pairs");
  if (!state.has("pca.device")) return;
  need_device();
  const Triangle sums = get("pca.device");
  for (std::size_t i = 0; i <= d_; ++i) {
    compute::Mat row = device_.row_range(i, 1);
    row.offset += i;
    row.cols -= i;
    backend_.write(queue_, row, sums.row(i).data());
  }
}

void Scatter::continue_from(const job::Model& model) {
  if (model.tensor("running.sketch") != nullptr) {
    throw user_error("hyperparameter algorithm_mode: is regular, but the start model was trained with randomized; give "
                     "algorithm_mode=randomized");
  }
  before_ = moments_of(model, d_);
  scatter_before_ = Triangle(d_, running_tensor(model, "running.scatter", {d_ * (d_ + 1) / 2}));
}

Triangle Scatter::all_sums() const {
  if (workers_.size() > 1) return together_.empty() ? Triangle(d_ + 1) : together_;
  Triangle sums = device_sums();
  for (std::size_t i = 0; i < pairs_.numbers().size(); ++i) sums.numbers()[i] += pairs_.numbers()[i];
  return sums;
}

// The scatter about the mean, from sums about the shift.
Triangle Scatter::about_mean(const Triangle& sums, Moments& moments) const {
  moments.rows = seen_;
  moments.weight = sums.at(d_, d_);
  moments.mean.assign(d_, 0.0);
  const double weight = moments.weight > 0 ? moments.weight : 1;
  std::vector<double> columns(d_);
  for (std::size_t j = 0; j < d_; ++j) columns[j] = sums.at(j, d_);
  Triangle scatter(d_);
  for (std::size_t i = 0; i < d_; ++i) {
    const std::span<const double> from = sums.row(i);
    const std::span<double> to = scatter.row(i);
    const double offset = columns[i] / weight;
    for (std::size_t j = i; j < d_; ++j) to[j - i] = from[j - i] - offset * columns[j];
    moments.squares += to[0];
    moments.mean[i] = offset + (rows_.shift().empty() ? 0.0 : rows_.shift()[i]);
  }
  return scatter;
}

Fit Scatter::finish(std::size_t k) {
  Fit fit;
  Triangle scatter = about_mean(all_sums(), fit.moments);
  if (!scatter_before_.empty()) {
    Moments all = before_;
    const MeanStep between = merge(all, fit.moments);
    fit.moments = std::move(all);
    for (std::size_t i = 0; i < scatter.numbers().size(); ++i) scatter.numbers()[i] += scatter_before_.numbers()[i];
    scatter.add_outer(between.factor, between.step);
  }
  put_moments(fit.running, fit.moments);
  fit.running.push_back(NamedTensor::f64("running.scatter", {scatter.numbers().size()}, scatter.numbers().data()));
  fit.total = fit.moments.squares;
  if (!centred_) {
    scatter.add_outer(fit.moments.weight, fit.moments.mean);
    fit.total += fit.moments.weight * squared_norm(fit.moments.mean);
  }
  decompose(std::move(scatter), k, fit);
  return fit;
}

// The first process decides, since others may have another CPU and other last digits.
void Scatter::decompose(Triangle scatter, std::size_t k, Fit& fit) {
  fit.values.resize(k);
  fit.components.resize(k * d_);
  if (workers_.is_root()) {
    std::vector<double> full(d_ * d_);
    for (std::size_t i = 0; i < d_; ++i) std::copy(scatter.row(i).begin(), scatter.row(i).end(), full.begin() + static_cast<std::ptrdiff_t>(i * d_ + i));
    scatter = {};
    compute::Eigen eigen = compute::largest_eigen(full.data(), d_, k);
    fit.values = std::move(eigen.values);
    fit.components = std::move(eigen.vectors);
    normalise(fit.values, fit.components, k, d_);
  }
  workers_.broadcast(std::as_writable_bytes(std::span(fit.values)), 0);
  workers_.broadcast(std::as_writable_bytes(std::span(fit.components)), 0);
}

}  // namespace

double scatter_bytes(std::size_t d, std::size_t k) {
  const double side = static_cast<double>(d) + 1;
  return 8 * (3 * side * side + static_cast<double>(k + 80) * side) + 1.5 * ShiftedRows::bytes(d);  // the CPU packs its rows once more
}

std::unique_ptr<Sums> make_scatter(job::Context& context, SumsPlan plan) { return std::make_unique<Scatter>(context, std::move(plan)); }

}  // namespace smtrain::pca
