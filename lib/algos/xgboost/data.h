// Rows on their way from channels into the engine's own matrices: read once, checked, and handed over in blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "algos/xgboost/matrix.h"
#include "job/algorithm.h"

namespace smtrain::xgboost {

struct MatrixPlan {
  std::vector<std::string> channels;  ///< their rows one after another in one matrix
  /// Cut into bins at once, for tree_method hist alone: a fourth of the memory, the same model; not to be sliced. Rows with query ids
  /// come in a plain matrix all the same. A matrix that only is predicted had better be plain: bins know no number beyond those of
  /// their own rows.
  bool quantiles = false;
  int max_bin = 256;                  ///< with quantiles; the booster's
  int threads = 1;
  /// Looks at every batch before its rows are taken, and throws what it does not like about them.
  std::function<void(const formats::Batch&)> check = {};
};

struct Rows {
  DMatrix matrix;                    ///< with labels, and weights and groups where the data have them
  /// Of this process; may be none. The matrix of one of several processes may have a row more, the last one, without features and of no
  /// weight.
  std::uint64_t rows = 0;
  std::uint64_t all_rows = 0;        ///< of all processes
  bool quantiles = false;
  bool weighted = false, grouped = false;
};

/// The channels of a run, all of them opened before any is read, so that their matrices have one feature space. One thread.
class Channels {
 public:
  /// `weights`: csv_weights: of CSV, the first feature column holds the weights. Throws user Errors: rows without a label or with several,
  /// feature spaces that differ (sparse rows may be narrower than the widest). `context` outlives it. Collective.
  Channels(job::Context& context, const std::vector<std::string>& names, bool weights);

  std::size_t feature_dim() const { return feature_dim_; }
  /// Names of the features, or empty.
  const std::vector<std::string>& columns() const { return columns_; }

  /// Reads channels through, each at most once, and says in the log how many rows they have. With several processes all make the same
  /// calls, under one collective of the engine (collective.h), and get their own rows. Polls the stop flag between blocks. Throws user
  /// Errors: what the readers find, what the check throws, channels without rows, queries whose rows do not stand together, differ in
  /// weight or lie in several processes.
  Rows read(const Library& library, const MatrixPlan& plan);

 private:
  void settle_space(const std::vector<std::string>& names);

  job::Context& context_;
  std::map<std::string, std::unique_ptr<formats::TableStream>> streams_;
  std::size_t feature_dim_ = 0;
  std::vector<std::string> columns_;
};

}  // namespace smtrain::xgboost
