// The registry: the one place where an algorithm is made known.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "job/algorithm.h"

namespace smtrain::algos {

/// All algorithms, in the order in which they are listed.
std::span<const job::Algorithm* const> all();

/// By name or alias, - and _ and case aside; nullptr when there is none.
const job::Algorithm* find(std::string_view name);

/// Names of all.
std::vector<std::string> names();

}  // namespace smtrain::algos
