// The upper triangle of a symmetric matrix, packed by rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace smtrain::pca {

class Triangle {
 public:
  Triangle() = default;
  explicit Triangle(std::size_t n) : n_(n), numbers_(n * (n + 1) / 2) {}
  Triangle(std::size_t n, std::vector<double> numbers) : n_(n), numbers_(std::move(numbers)) {}

  std::size_t size() const { return n_; }
  bool empty() const { return n_ == 0; }
  std::vector<double>& numbers() { return numbers_; }
  const std::vector<double>& numbers() const { return numbers_; }
  /// Row i from its diagonal on: n - i numbers.
  std::span<double> row(std::size_t i) { return std::span(numbers_).subspan(start(i), n_ - i); }
  std::span<const double> row(std::size_t i) const { return std::span(numbers_).subspan(start(i), n_ - i); }
  double at(std::size_t i, std::size_t j) const { return numbers_[start(i) + j - i]; }

  /// Adds factor * transposed(v) v; v has n numbers.
  void add_outer(double factor, std::span<const double> v) {
    for (std::size_t i = 0; i < n_; ++i) {
      const std::span<double> to = row(i);
      for (std::size_t j = i; j < n_; ++j) to[j - i] += factor * v[i] * v[j];
    }
  }

 private:
  std::size_t start(std::size_t i) const { return i * n_ - i * (i - 1) / 2; }

  std::size_t n_ = 0;
  std::vector<double> numbers_;
};

}  // namespace smtrain::pca
