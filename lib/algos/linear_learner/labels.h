// Labels of a classifier or regressor: what a batch may bear.
#pragma once

#include "algos/linear_learner/params.h"
#include "formats/batch.h"
#include "formats/table_stream.h"

namespace smtrain::linear {

/// Throws a user Error that names the row, the label and, where it is one of the usual slips, the remedy: labels are 0 or 1 of a
/// binary classifier, whole numbers 0 … num_classes - 1 of one with several classes.
void check_labels(const Params& params, const formats::Batch& batch);

/// Throws a user Error that names the channel unless its rows bear one label.
void check_labels_there(const char* channel, const formats::TableSchema& schema);

}  // namespace smtrain::linear
