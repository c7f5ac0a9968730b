// What linear-learner is, as data: channels, metrics, content types, examples.
#pragma once

#include "job/algorithm.h"

namespace smtrain::linear {

job::Description describe();

}  // namespace smtrain::linear
