#include "algos/knn/vote.h"

#include <algorithm>

namespace smtrain::knn {

Answer answer_of(Task task, std::span<const float> labels, std::vector<float>& scratch) {
  const auto count = static_cast<double>(labels.size());
  if (task == Task::regressor) {
    double sum = 0;
    for (const float label : labels) sum += static_cast<double>(label);
    return {static_cast<float>(sum / count), 1};
  }
  scratch.assign(labels.begin(), labels.end());
  std::sort(scratch.begin(), scratch.end());
  Answer best;
  std::size_t most = 0;
  for (std::size_t i = 0; i < scratch.size();) {
    std::size_t end = i;
    while (end < scratch.size() && scratch[end] == scratch[i]) ++end;
    if (end - i > most) {
      most = end - i;
      best.label = scratch[i];
    }
    i = end;
  }
  best.share = static_cast<float>(static_cast<double>(most) / count);
  return best;
}

}  // namespace smtrain::knn
