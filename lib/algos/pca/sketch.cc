// A sketch of the scatter matrix in one pass, in memory that grows with the width and not with its square.
//
// Halko, Martinsson & Tropp 2011 take the scatter S to be seen through a few directions Omega (d, c), here from each mini-batch X_t:
// B = sum H_t X_t with H_t = transposed(X_t Omega), so that B = transposed(Omega) S when the means are taken off as for any H. From it
// comes the Nystrom approximation S ~ transposed(B) inverse(B Omega) B (Tropp et al. 2017). Random signs H_t, free of the rows, would
// come at half the price, but need far more of them: of MNIST's variance 50 components with 50 extra ones then keep 12 % less than the
// exact ones do, this 1e-5 less.
//
// Every two thousand rows or so the approximation is folded: its strongest directions, as many as the sketch has rows, become part of the
// next Omega beside fresh random signs, and the scatter that they carry is added to what the next rows bring. So each fold is a step of
// a subspace iteration, though a row is read once. What folds lose are the weakest directions of the sketch, those extra_components
// are there for.
//
// Costs per row: 5 l d operations in float64 for a sketch of l rows against 4 d bytes read once; sparse rows cost 5 l operations per entry.
#include <algorithm>
#include <cmath>

#include "algos/pca/rows.h"
#include "algos/pca/sums.h"
#include "base/error.h"
#include "compute/eigen.h"

namespace smtrain::pca {
namespace {

using compute::DType;
using compute::Mat;
using formats::Batch;
using formats::NamedTensor;

constexpr std::uint64_t kFoldRows = 2048;
constexpr double kNothing = 1e-12;  // of the largest eigenvalue: below that there is rounding alone

// Directions beside those kept, through which new ones come in.
std::size_t columns_for(std::size_t d, std::size_t kept) { return std::min(d, kept + std::max<std::size_t>(8, kept / 4)); }

class Sketch final : public Sums {
 public:
  Sketch(job::Context& context, SumsPlan plan, std::size_t kept)
      : backend_(context.backend()), queue_(backend_.main_queue()), workers_(context.communicator()), d_(plan.d), centred_(plan.centred),
        kept_(std::min(kept, plan.d)), c_(columns_for(plan.d, kept)), rows_(backend_, plan.d, std::move(plan.shift)),
        signs_(context.random("pca.sketch")), block_((c_ + 1) * (d_ + 1)) {
    past_.mean.resize(d_);
    look();
  }

  void add(const Batch& piece) override;
  std::uint64_t close(std::uint64_t rows) override;
  void save(job::State& state) const override;
  void restore(const job::State& state) override;
  void continue_from(const job::Model& model) override;
  Fit finish(std::size_t k) override;

 private:
  void look();
  void add_entries(const Batch& piece);
  Mat upload(const double* from, std::size_t rows, std::size_t cols);
  std::vector<double> download(const Mat& from);
  std::vector<double> gather();
  void fold();
  Moments take_means(std::vector<double>& seen);
  std::vector<double> approximate(const Mat& seen);
  std::size_t sketch_rows() const { return sketch_.size() / d_; }

  compute::Backend& backend_;
  compute::Queue& queue_;
  dist::Communicator& workers_;
  const std::size_t d_;
  const bool centred_;
  const std::size_t kept_, c_;
  ShiftedRows rows_;
  RandomStream signs_;

  // Omega with a row of zeros for the column of ones, and a column that passes that one on: the products of the rows with it then hold
  // the sums that the means are made of.
  std::vector<double> omega_;    // (d + 1, c + 1)
  Mat omega_device_, z_, seen_device_;
  std::vector<double> entries_;  // (d + 1, c + 1): transposed products of sparse rows
  double squares_ = 0;           // of the mini-batch under way, of this process

  std::vector<double> block_;    // (c + 1, d + 1): products of all processes since the last fold
  double block_squares_ = 0;
  std::uint64_t block_rows_ = 0, seen_rows_ = 0;

  Moments past_;                 // of the rows that were folded
  std::vector<double> sketch_;   // (at most kept, d): orthogonal rows, weakest first; transposed(sketch) sketch ~ their scatter
  std::uint64_t folds_ = 0;
};

// The next Omega.
void Sketch::look() {
  omega_.assign((d_ + 1) * (c_ + 1), 0.0);
  const std::size_t width = c_ + 1, known = std::min(sketch_rows(), c_);
  omega_[d_ * width + c_] = 1;
  if (c_ == d_) {  // all there are: the approximation is exact
    for (std::size_t j = 0; j < d_; ++j) omega_[j * width + j] = 1;
  } else {
    for (std::size_t i = 0; i < known; ++i) {
      const std::span<const double> row = std::span(sketch_).subspan(i * d_, d_);
      const double length = std::sqrt(squared_norm(row));
      for (std::size_t j = 0; j < d_; ++j) omega_[j * width + i] = row[j] / length;
    }
    signs_.seek(folds_ * d_ * ((c_ + 31) / 32));
    const double size = 1 / std::sqrt(static_cast<double>(d_));
    for (std::size_t j = 0; j < d_; ++j) {
      std::uint32_t bits = 0;
      for (std::size_t i = 0; i < c_; ++i, bits >>= 1) {
        if (i % 32 == 0) bits = signs_.next_u32();
        if (i >= known) omega_[j * width + i] = (bits & 1) != 0 ? size : -size;
      }
    }
  }
  omega_device_ = {};
}

void Sketch::add(const Batch& piece) {
  if (piece.rows == 0) return;
  squares_ += rows_.squares(piece);
  if (rows_.shift().empty() && is_scattered(piece)) return add_entries(piece);
  if (omega_device_.rows == 0) omega_device_ = upload(omega_.data(), d_ + 1, c_ + 1);
  if (seen_device_.rows == 0) {
    seen_device_ = backend_.allocate(c_ + 1, d_ + 1, DType::f64);
    backend_.zero(queue_, seen_device_);
  }
  rows_.for_each(piece, [&](const Mat& y) {
    if (z_.rows < y.rows) z_ = backend_.allocate(y.rows, c_ + 1, DType::f64);
    const Mat z = z_.row_range(0, y.rows);
    backend_.gemm(queue_, false, false, 1, y, omega_device_, 0, z);
    backend_.gemm(queue_, true, false, 1, z, y, 1, seen_device_);
  });
}

void Sketch::add_entries(const Batch& piece) {
  const std::size_t width = c_ + 1;
  entries_.resize((d_ + 1) * width);
  std::vector<double> z(width);
  const std::uint64_t base = piece.indptr[0];
  for (std::size_t i = 0; i < piece.rows; ++i) {
    const double weight = piece.weights == nullptr ? 1.0 : static_cast<double>(piece.weights[i]);
    const std::uint64_t first = piece.indptr[i] - base, end = piece.indptr[i + 1] - base;
    std::fill(z.begin(), z.end(), 0.0);
    z[c_] = weight;
    for (std::uint64_t e = first; e < end; ++e) {
      const double v = weight * static_cast<double>(piece.values[e]);
      const double* look = omega_.data() + piece.indices[e] * width;
      for (std::size_t t = 0; t < c_; ++t) z[t] += v * look[t];
    }
    for (std::uint64_t e = first; e < end; ++e) {
      const double v = static_cast<double>(piece.values[e]);
      double* to = entries_.data() + piece.indices[e] * width;
      for (std::size_t t = 0; t < width; ++t) to[t] += v * z[t];
    }
    double* ones = entries_.data() + d_ * width;
    for (std::size_t t = 0; t < width; ++t) ones[t] += z[t];
  }
}

Mat Sketch::upload(const double* from, std::size_t rows, std::size_t cols) {
  Mat m = backend_.allocate(rows, cols, DType::f64);
  backend_.write(queue_, m, from);
  return m;
}

std::vector<double> Sketch::download(const Mat& from) {
  std::vector<double> numbers(from.rows * from.cols);
  backend_.read(queue_, numbers.data(), from);
  return numbers;
}

// The products of the mini-batch, of this process, which are then forgotten.
std::vector<double> Sketch::gather() {
  std::vector<double> sums(block_.size());
  if (seen_device_.rows > 0) {
    sums = download(seen_device_);
    backend_.zero(queue_, seen_device_);
  }
  if (!entries_.empty()) {
    const std::size_t width = c_ + 1;
    for (std::size_t j = 0; j <= d_; ++j)
      for (std::size_t i = 0; i < width; ++i) sums[i * (d_ + 1) + j] += entries_[j * width + i];
    std::fill(entries_.begin(), entries_.end(), 0.0);
  }
  return sums;
}

std::uint64_t Sketch::close(std::uint64_t own_rows) {
  std::vector<double> sums = gather();
  sums.push_back(std::exchange(squares_, 0.0));
  sums.push_back(static_cast<double>(own_rows));
  workers_.allreduce(sums);
  for (std::size_t i = 0; i < block_.size(); ++i) block_[i] += sums[i];
  const std::uint64_t rows = static_cast<std::uint64_t>(sums.back());
  block_squares_ += sums[block_.size()];
  block_rows_ += rows;
  seen_rows_ += rows;
  if (block_rows_ >= std::min<std::uint64_t>(kFoldRows, std::max<std::uint64_t>(2 * c_, seen_rows_ / 2))) fold();
  return rows;
}

// What Omega has seen of the rows since the last fold, (c, d), about their mean; their moments.
Moments Sketch::take_means(std::vector<double>& seen) {
  const std::size_t wide = d_ + 1;
  const double* sums = block_.data() + c_ * wide;
  const double weight = sums[d_];
  Moments moments{weight, block_rows_, std::vector<double>(d_), block_squares_};
  const double by = weight > 0 ? 1 / weight : 0;
  for (std::size_t j = 0; j < d_; ++j) moments.mean[j] = sums[j] * by + (rows_.shift().empty() ? 0.0 : rows_.shift()[j]);
  moments.squares = std::max(0.0, block_squares_ - squared_norm(std::span(sums, d_)) * by);
  seen.resize(c_ * d_);
  for (std::size_t i = 0; i < c_; ++i) {
    const double offset = centred_ ? block_[i * wide + d_] * by : 0;
    for (std::size_t j = 0; j < d_; ++j) seen[i * d_ + j] = block_[i * wide + j] - offset * sums[j];
  }
  return moments;
}

// Takes the rows since the last fold into the sketch. The first process decides, since others may have other last digits.
void Sketch::fold() {
  std::vector<double> seen;
  const Moments moments = take_means(seen);
  const MeanStep between = merge(past_, moments);
  if (workers_.is_root()) {
    std::vector<double> before = sketch_;
    if (centred_ && between.factor > 0) {
      for (const double v : between.step) before.push_back(std::sqrt(between.factor) * v);
    }
    const Mat all = upload(seen.data(), c_, d_);
    if (!before.empty()) {
      if (omega_device_.rows == 0) omega_device_ = upload(omega_.data(), d_ + 1, c_ + 1);
      Mat omega = omega_device_.row_range(0, d_);
      omega.cols = c_;
      const Mat rows = upload(before.data(), before.size() / d_, d_), products = backend_.allocate(rows.rows, c_, DType::f64);
      backend_.gemm(queue_, false, false, 1, rows, omega, 0, products);
      backend_.gemm(queue_, true, false, 1, products, rows, 1, all);
    }
    sketch_ = approximate(all);
  }
  std::uint64_t rows = sketch_rows();
  workers_.broadcast(std::as_writable_bytes(std::span(&rows, 1)), 0);
  sketch_.resize(rows * d_);
  workers_.broadcast(std::as_writable_bytes(std::span(sketch_)), 0);
  ++folds_;
  std::fill(block_.begin(), block_.end(), 0.0);
  block_squares_ = 0;
  block_rows_ = 0;
  look();
}

// The strongest directions of transposed(seen) inverse(seen Omega) seen, each as long as the root of what it carries.
std::vector<double> Sketch::approximate(const Mat& seen) {
  if (omega_device_.rows == 0) omega_device_ = upload(omega_.data(), d_ + 1, c_ + 1);
  Mat omega = omega_device_.row_range(0, d_);
  omega.cols = c_;
  const Mat core = backend_.allocate(c_, c_, DType::f64);
  backend_.gemm(queue_, false, false, 1, seen, omega, 0, core);
  std::vector<double> w = download(core);
  for (std::size_t i = 0; i < c_; ++i)
    for (std::size_t j = i + 1; j < c_; ++j) w[i * c_ + j] = 0.5 * (w[i * c_ + j] + w[j * c_ + i]);
  const compute::Eigen inner = compute::largest_eigen(w.data(), c_, c_);
  const double least = kNothing * inner.values.back();
  std::vector<double> whiten;
  for (std::size_t i = 0; i < c_; ++i) {
    if (!(inner.values[i] > std::max(least, 0.0))) continue;
    for (std::size_t j = 0; j < c_; ++j) whiten.push_back(inner.vectors[i * c_ + j] / std::sqrt(inner.values[i]));
  }
  const std::size_t rank = whiten.size() / c_;
  if (rank == 0) return {};
  const Mat factor = backend_.allocate(rank, d_, DType::f64), gram = backend_.allocate(rank, rank, DType::f64);
  backend_.gemm(queue_, false, false, 1, upload(whiten.data(), rank, c_), seen, 0, factor);
  backend_.gemm(queue_, false, true, 1, factor, factor, 0, gram);
  std::vector<double> g = download(gram);
  const std::size_t keep = std::min(rank, kept_);
  const compute::Eigen outer = compute::largest_eigen(g.data(), rank, keep);
  const std::size_t first = static_cast<std::size_t>(
      std::find_if(outer.values.begin(), outer.values.end(), [&](double v) { return v > kNothing * outer.values.back(); }) - outer.values.begin());
  const Mat strongest = backend_.allocate(keep - first, d_, DType::f64);
  backend_.gemm(queue_, false, false, 1, upload(outer.vectors.data() + first * rank, keep - first, rank), factor, 0, strongest);
  return download(strongest);
}

void Sketch::save(job::State& state) const {
  const double totals[] = {past_.weight, static_cast<double>(past_.rows), past_.squares, block_squares_};
  state.put("pca.mean", {d_}, past_.mean);
  state.put("pca.totals", {4}, totals);
  state.put("pca.rows", seen_rows_);
  state.put("pca.block_rows", block_rows_);
  state.put("pca.folds", folds_);
  state.put("pca.sketch_rows", std::uint64_t{sketch_rows()});
  state.put("pca.block", {c_ + 1, d_ + 1}, block_);
  if (!sketch_.empty()) state.put("pca.sketch", {sketch_rows(), d_}, sketch_);
}

void Sketch::restore(const job::State& state) {
  const std::vector<double> totals = state.f64("pca.totals", {4});
  past_ = {totals[0], static_cast<std::uint64_t>(totals[1]), state.f64("pca.mean", {d_}), totals[2]};
  block_squares_ = totals[3];
  seen_rows_ = state.count("pca.rows");
  block_rows_ = state.count("pca.block_rows");
  folds_ = state.count("pca.folds");
  block_ = state.f64("pca.block", {c_ + 1, d_ + 1});
  sketch_.clear();
  if (const std::uint64_t rows = state.count("pca.sketch_rows"); rows > 0) sketch_ = state.f64("pca.sketch", {rows, d_});
  look();
}

void Sketch::continue_from(const job::Model& model) {
  if (model.tensor("running.scatter") != nullptr) {
    throw user_error("hyperparameter algorithm_mode: is randomized, but the start model was trained with regular; give "
                     "algorithm_mode=regular");
  }
  const std::vector<double> shape = running_tensor(model, "running.shape", {4});  // rows kept, rows there, folds, centred
  if (shape[0] != static_cast<double>(kept_)) {
    throw user_error("hyperparameter extra_components: num_components and extra_components make a sketch of {} rows, but that of the "
                     "start model has {}; let them add up to {}", kept_, shape[0], shape[0]);
  }
  if ((shape[3] != 0) != centred_) {
    throw user_error("hyperparameter subtract_mean: is {}, but the sketch of the start model was made with {}; give subtract_mean={}", centred_,
                     !centred_, !centred_);
  }
  past_ = moments_of(model, d_);
  sketch_ = running_tensor(model, "running.sketch", {whole_number(shape[1], "running.shape", kept_), d_});
  seen_rows_ = past_.rows;
  folds_ = whole_number(shape[2], "running.shape", past_.rows);
  look();
}

Fit Sketch::finish(std::size_t k) {
  if (block_rows_ > 0) fold();
  Fit fit;
  fit.moments = past_;
  fit.total = past_.squares + (centred_ ? 0 : past_.weight * squared_norm(past_.mean));
  const std::size_t rows = sketch_rows(), used = std::min(k, rows);
  for (std::size_t i = rows - used; i < rows; ++i) {
    const std::span<const double> row = std::span(sketch_).subspan(i * d_, d_);
    fit.values.push_back(squared_norm(row));
    for (const double v : row) fit.components.push_back(v / std::sqrt(fit.values.back()));
  }
  normalise(fit.values, fit.components, k, d_);
  const double shape[] = {static_cast<double>(kept_), static_cast<double>(rows), static_cast<double>(folds_), centred_ ? 1.0 : 0.0};
  put_moments(fit.running, past_);
  fit.running.push_back(NamedTensor::f64("running.shape", {4}, shape));
  fit.running.push_back(NamedTensor::f64("running.sketch", {rows, d_}, sketch_.data()));
  return fit;
}

}  // namespace

double sketch_bytes(std::size_t d, std::size_t rows) {
  const double numbers = static_cast<double>(columns_for(d, rows) + 1) * static_cast<double>(d + 1);
  return 8 * (9 * numbers) + ShiftedRows::bytes(d);
}

std::unique_ptr<Sums> make_sketch(job::Context& context, SumsPlan plan, std::size_t rows) {
  return std::make_unique<Sketch>(context, std::move(plan), rows);
}

}  // namespace smtrain::pca
