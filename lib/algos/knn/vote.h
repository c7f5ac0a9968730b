// From the labels of neighbours to an answer.
#pragma once

#include <span>
#include <vector>

#include "algos/knn/params.h"

namespace smtrain::knn {

struct Answer {
  float label = 0;
  float share = 0;  ///< of the neighbours, that bear the label (classifier)
};

/// The most frequent label, ties to the smallest; or the mean, summed in float64. labels: at least one. `scratch` is overwritten.
Answer answer_of(Task task, std::span<const float> labels, std::vector<float>& scratch);

}  // namespace smtrain::knn
