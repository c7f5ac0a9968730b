// The libraries that computing rests on.
#pragma once

#include <vector>

#include "base/library.h"

namespace smtrain::compute {

std::vector<Library> libraries();

}  // namespace smtrain::compute
