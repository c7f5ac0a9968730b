#include "algos/linear_learner/labels.h"

#include <cmath>

#include "base/error.h"

namespace smtrain::linear {
namespace {

[[noreturn]] void refuse_binary(const formats::Batch& batch, std::size_t row) {
  const double label = static_cast<double>(batch.labels[row]);
  const char* advice = "give 0 for one class and 1 for the other";
  if (label == -1) advice = "labels -1 and 1 are not taken: write 0 for -1";
  if (label == 2) advice = "labels 1 and 2 are not taken: subtract 1 from each; of more than two classes, train predictor_type=multiclass_classifier";
  throw user_error("{}: label {} of a binary classifier is neither 0 nor 1; {}", batch.where(row), label, advice);
}

[[noreturn]] void refuse_class(const formats::Batch& batch, std::size_t row, std::int64_t classes) {
  const double label = static_cast<double>(batch.labels[row]);
  if (label == static_cast<double>(classes)) {
    throw user_error("{}: label {} with num_classes={}; classes are 0 … {}: if yours begin with 1, subtract 1 from each, otherwise raise "
                     "num_classes", batch.where(row), label, classes, classes - 1);
  }
  throw user_error("{}: label {} is none of the classes 0 … {}; give whole numbers from 0, or another num_classes", batch.where(row), label,
                   classes - 1);
}

}  // namespace

void check_labels(const Params& params, const formats::Batch& batch) {
  if (params.predictor_type == PredictorType::regressor) return;
  const bool binary = params.predictor_type == PredictorType::binary_classifier;
  const auto classes = static_cast<float>(binary ? 2 : classes_of(params));
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const float label = batch.labels[i];
    if (label >= 0 && label < classes && label == std::trunc(label)) continue;
    if (binary) refuse_binary(batch, i);
    refuse_class(batch, i, static_cast<std::int64_t>(classes));
  }
}

void check_labels_there(const char* channel, const formats::TableSchema& schema) {
  if (schema.label_width == 1) return;
  throw user_error("channel {}: rows bear {} labels; linear-learner needs one{}", channel, schema.label_width == 0 ? "no" : std::to_string(schema.label_width),
                   schema.label_width == 0 ? ": the first column of a CSV file, or \"label\" of a record" : "; name it with ;label=");
}

}  // namespace smtrain::linear
