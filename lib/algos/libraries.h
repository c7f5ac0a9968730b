// The engines from outside that algorithms rest on, opened when they are needed.
#pragma once

#include <vector>

#include "base/library.h"

namespace smtrain::algos {

/// Opens each. One that cannot be used has no version; its detail says why.
std::vector<Library> libraries();

}  // namespace smtrain::algos
