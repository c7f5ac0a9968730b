// The hyperparameters of k-nearest neighbours, typed; names, ranges and defaults are declared in knn.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace smtrain::knn {

enum class Task { classifier, regressor };

enum class Reduction {
  none,
  sign,  ///< a matrix of random signs (Achlioptas 2003)
  fjlt,  ///< random signs, a Walsh-Hadamard transform, random coordinates (Ailon & Chazelle 2009)
};

enum class IndexKind { flat, ivf_flat, ivf_pq };

enum class Metric { l2, inner_product, cosine };

struct Params {
  std::optional<std::int64_t> feature_dim;  ///< nullopt: the data tells it
  std::int64_t k = 0;
  Task predictor_type = Task::classifier;
  std::int64_t sample_size = 0;
  Reduction dimension_reduction_type = Reduction::none;
  std::int64_t dimension_reduction_target = 0;  ///< 0: absent
  IndexKind index_type = IndexKind::flat;
  Metric index_metric = Metric::l2;
  std::optional<std::int64_t> faiss_index_ivf_nlists;  ///< nullopt: auto
  std::int64_t faiss_index_pq_m = 0;                   ///< 0: absent
  std::int64_t mini_batch_size = 5000;
  std::int64_t epochs = 1;
  std::int64_t nprobe = 5;
};

/// How many rows an inverted list's centroid is learnt from at most and, without a warning, at least.
constexpr std::size_t kMostPerCentroid = 256, kFewPerCentroid = 39;

}  // namespace smtrain::knn
