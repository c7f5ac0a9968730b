// Scores a stream and learns from it, row by row.
#pragma once

#include <memory>
#include <vector>

#include "algos/rcf/live_tree.h"
#include "algos/rcf/predictor.h"
#include "algos/rcf/reservoir.h"
#include "algos/rcf/shingle.h"

namespace smtrain::rcf {

/// A model in motion. Each row is scored by the forest as it is and then drawn for the sample, as in training: it takes the slot of
/// another point, which leaves its tree as the row enters it, or a free one, in the tree with the fewest points; or it is passed over.
/// Not thread-safe.
class RcfUpdater final : public job::Updater {
 public:
  explicit RcfUpdater(const RcfModel& model);

  void update(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest& wanted,
              formats::Prediction& out) override;
  std::unique_ptr<job::Predictor> finish(compute::Backend& backend) const override;

 private:
  // What happens to a tree when a row has been scored.
  struct Change {
    std::size_t row;         // of those that are looked at together
    bool replaces;
    std::vector<float> old;  // the point that leaves
  };

  void learn(const formats::Batch& points, std::size_t first, std::size_t count, const std::vector<std::string>& columns, int threads,
             formats::Prediction& out);
  void plan(const formats::Batch& points, std::size_t first, std::size_t count);
  void work(std::size_t tree, const formats::Batch& points, std::size_t first, std::size_t count, std::uint64_t row,
            std::vector<Explanation>& said);

  RcfModel model_;  // its trees are those of the beginning
  Shingler shingler_;
  SlotDraw draw_;
  std::vector<LiveTree> trees_;
  std::vector<std::size_t> masses_;           // of the trees, when all that is planned is done
  std::vector<std::vector<Change>> changes_;  // by tree, in the order of rows
};

}  // namespace smtrain::rcf
