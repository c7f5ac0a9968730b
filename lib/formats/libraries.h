// The libraries that reading and writing rest on.
#pragma once

#include <vector>

#include "base/library.h"

namespace smtrain::formats {

std::vector<Library> libraries();

}  // namespace smtrain::formats
