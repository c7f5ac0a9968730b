// A Backend whose memory the host cannot touch: the CPU's, behind addresses that may be neither read nor written. Whoever follows
// a matrix's address instead of calling read, write or stage ends in a segmentation fault.
#pragma once

#include <sys/mman.h>

#include <cstring>

#include "base/error.h"
#include "compute/backend.h"

namespace smtrain::test {

class OpaqueBackend final : public compute::Backend {
 public:
  using Mat = compute::Mat;
  using Queue = compute::Queue;

  explicit OpaqueBackend(std::unique_ptr<compute::Backend> inner) : inner_(std::move(inner)) {}

  const compute::DeviceInfo& device() const override { return inner_->device(); }
  bool supports(compute::Op op, compute::DType type) const override { return inner_->supports(op, type); }
  Queue& main_queue() override { return inner_->main_queue(); }
  void wait(Queue& queue) override { inner_->wait(queue); }

  Mat allocate(std::size_t rows, std::size_t cols, compute::DType type) override { return hidden(inner_->allocate(rows, cols, type)); }
  /// Has its own copy at once, as a device would.
  Mat stage(Queue& queue, const float* host, std::size_t rows, std::size_t cols, std::size_t ld, std::shared_ptr<const void> owner) override {
    const Mat wrapped = inner_->stage(queue, host, rows, cols, ld, std::move(owner));
    const Mat own = inner_->allocate(rows, cols, compute::DType::f32);
    for (std::size_t i = 0; i < rows; ++i) std::memcpy(own.at<float>(i), wrapped.at<float>(i), cols * sizeof(float));
    return hidden(own);
  }
  void write(Queue& queue, const Mat& to, const void* from) override { inner_->write(queue, seen(to), from); }
  void read(Queue& queue, void* to, const Mat& from) override { inner_->read(queue, to, seen(from)); }
  void zero(Queue& queue, const Mat& m) override { inner_->zero(queue, seen(m)); }
  void densify(Queue& queue, const compute::CsrView& from, const Mat& to) override { inner_->densify(queue, from, seen(to)); }

  void gemm(Queue& queue, bool ta, bool tb, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c) override {
    inner_->gemm(queue, ta, tb, alpha, seen(a), seen(b), beta, seen(c));
  }
  void add_gram(Queue& queue, const Mat& y, const Mat& g) override { inner_->add_gram(queue, seen(y), seen(g)); }
  std::unique_ptr<Centers> make_centers(std::size_t k, std::size_t d) override { return inner_->make_centers(k, d); }
  void refresh(Queue& queue, Centers& centers, const Mat& c) override { inner_->refresh(queue, centers, seen(c)); }
  void nearest(Queue& queue, const Mat& x, const Centers& centers, const Mat& ids, const Mat& distances) override {
    inner_->nearest(queue, seen(x), centers, seen(ids), seen(distances));
  }
  void nearest_sum(Queue& queue, const Mat& x, const Mat& weights, const Centers& centers, const Mat& ids, const Mat& sums,
                   const Mat& counts, const Mat& loss) override {
    inner_->nearest_sum(queue, seen(x), seen(weights), centers, seen(ids), seen(sums), seen(counts), seen(loss));
  }
  void min_distance(Queue& queue, const Mat& x, const Mat& c, const Mat& d2) override {
    inner_->min_distance(queue, seen(x), seen(c), seen(d2));
  }
  void blend_means(Queue& queue, const Mat& sums, const Mat& counts, double decay, const Mat& c, const Mat& n) override {
    inner_->blend_means(queue, seen(sums), seen(counts), decay, seen(c), seen(n));
  }

  std::unique_ptr<Points> make_points(Queue& queue, const Mat& rows, compute::Closeness closeness) override {
    return inner_->make_points(queue, seen(rows), closeness);
  }
  void top_nearest(Queue& queue, const Mat& x, const Points& points, const Mat& ids, const Mat& scores) override {
    inner_->top_nearest(queue, seen(x), points, seen(ids), seen(scores));
  }

  void standardize(Queue& queue, const Mat& x, const Mat& shift, const Mat& scale, const Mat& y) override {
    inner_->standardize(queue, seen(x), seen(shift), seen(scale), seen(y));
  }
  std::unique_ptr<SparseRows> make_sparse_rows() override { return inner_->make_sparse_rows(); }
  void load(Queue& queue, SparseRows& to, const compute::CsrView& from, const Mat& scale, std::shared_ptr<const void> owner) override {
    inner_->load(queue, to, from, seen(scale), std::move(owner));
  }
  std::unique_ptr<RowSet> make_row_set(std::size_t rows) override { return inner_->make_row_set(rows); }
  void multiply(Queue& queue, const SparseRows& x, const Mat& w, const Mat& z) override { inner_->multiply(queue, x, seen(w), seen(z)); }
  void multiply_transposed(Queue& queue, const SparseRows& x, const Mat& r, const Mat& g, RowSet& touched) override {
    inner_->multiply_transposed(queue, x, seen(r), seen(g), touched);
  }
  PickedRows pick(Queue& queue, const RowSet& set, const Mat& g) override { return inner_->pick(queue, set, seen(g)); }
  void put(Queue& queue, const PickedRows& rows, RowSet& set, const Mat& g) override { inner_->put(queue, rows, set, seen(g)); }
  void derive_loss(Queue& queue, const compute::LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive, const Mat& bias,
                   const Mat& z, const Mat& bias_gradient, const Mat& loss) override {
    inner_->derive_loss(queue, rule, seen(labels), seen(weights), seen(positive), seen(bias), seen(z), seen(bias_gradient), seen(loss));
  }
  void step(Queue& queue, const compute::StepRule& rule, const Mat& columns, const Mat& g, const Mat& t, const Mat& m, const Mat& v,
            RowSet* touched, const Mat& trail) override {
    inner_->step(queue, rule, seen(columns), seen(g), seen(t), seen(m), seen(v), touched, seen(trail));
  }
  void factor_scores(Queue& queue, const SparseRows& x, const Mat& p, const Mat& s, const Mat& z) override {
    inner_->factor_scores(queue, x, seen(p), seen(s), seen(z));
  }
  void factor_gradient(Queue& queue, const SparseRows& x, const Mat& p, const Mat& s, const Mat& r, const Mat& g, RowSet& touched) override {
    inner_->factor_gradient(queue, x, seen(p), seen(s), seen(r), seen(g), touched);
  }

 private:
  class Hidden final : public compute::Buffer {
   public:
    explicit Hidden(std::shared_ptr<compute::Buffer> real) : real_(std::move(real)), bytes_(real_->bytes() + 1) {
      address_ = ::mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (address_ == MAP_FAILED) throw machine_error("mmap: {}", errno_text(errno));
    }
    ~Hidden() override { ::munmap(address_, bytes_); }
    void* data() const override { return address_; }
    std::size_t bytes() const override { return bytes_ - 1; }
    const std::shared_ptr<compute::Buffer>& real() const { return real_; }

   private:
    std::shared_ptr<compute::Buffer> real_;
    std::size_t bytes_;
    void* address_;
  };

  static Mat hidden(Mat m) {
    m.buffer = std::make_shared<Hidden>(std::move(m.buffer));
    return m;
  }
  static Mat seen(Mat m) {
    if (m.buffer != nullptr) m.buffer = dynamic_cast<const Hidden&>(*m.buffer).real();
    return m;
  }

  std::unique_ptr<compute::Backend> inner_;
};

}  // namespace smtrain::test
