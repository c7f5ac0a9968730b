// Sums over the rows, from which the components are found at the end: exact ones (scatter.cc), or a sketch of them (sketch.cc).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "algos/pca/moments.h"
#include "formats/archive/safetensors.h"
#include "formats/batch.h"
#include "job/algorithm.h"

namespace smtrain::pca {

/// The directions of largest variance, weakest first.
struct Fit {
  Moments moments;
  double total = 0;                ///< the trace of the matrix that was taken apart: what all components together carry
  std::vector<double> values;      ///< (k) singular values of the data matrix, ascending
  std::vector<double> components;  ///< (k, d) of unit length; the number of largest magnitude in each is positive
  /// The running sums, so that training can go on from a saved model: tensors "running.*".
  std::vector<formats::NamedTensor> running;
};

/// Driven from one thread; collective calls are made by all processes together.
class Sums {
 public:
  virtual ~Sums() = default;
  virtual void add(const formats::Batch& piece) = 0;
  /// A mini-batch is whole. Returns the rows of all processes. Collective.
  virtual std::uint64_t close(std::uint64_t rows) = 0;
  /// As of the last close().
  virtual void save(job::State& state) const = 0;
  virtual void restore(const job::State& state) = 0;
  /// Goes on from the running sums of a model, before any row. Throws a user Error when they are of another kind or shape.
  virtual void continue_from(const job::Model& model) = 0;
  /// The k strongest components; once, at the end. The first process decides for all. Collective.
  virtual Fit finish(std::size_t k) = 0;
};

/// What both kinds are told.
struct SumsPlan {
  std::size_t d = 0;
  bool centred = true;         ///< about the mean, not about the origin
  std::vector<double> shift;   ///< (d), near the mean, so that no digits cancel; empty: rows are sparse, or it is not wanted
};

/// The exact sums need this much memory at most.
double scatter_bytes(std::size_t d, std::size_t k);
std::unique_ptr<Sums> make_scatter(job::Context& context, SumsPlan plan);

/// A sketch of `rows` rows; 1 <= rows.
double sketch_bytes(std::size_t d, std::size_t rows);
std::unique_ptr<Sums> make_sketch(job::Context& context, SumsPlan plan, std::size_t rows);

/// How model tensors of either kind are read: throws a user Error that names the tensor when it is missing, of another shape, or
/// holds what is no number.
std::vector<double> running_tensor(const job::Model& model, std::string_view name, const std::vector<std::uint64_t>& shape);
/// A count that was kept as a number; throws likewise when it is none, or above `most`.
std::uint64_t whole_number(double value, std::string_view name, std::uint64_t most = std::uint64_t{1} << 53);
/// Moments as tensors "running.mean" and "running.totals" (weight, rows, squares), and back.
void put_moments(std::vector<formats::NamedTensor>& tensors, const Moments& moments);
Moments moments_of(const job::Model& model, std::size_t d);

/// Makes the components of largest magnitude positive, turns eigenvalues into singular values, and fills up to k with directions that
/// are orthogonal to the others and carry nothing.
void normalise(std::vector<double>& values, std::vector<double>& components, std::size_t k, std::size_t d);

}  // namespace smtrain::pca
