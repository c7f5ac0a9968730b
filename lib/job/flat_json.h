// One flat JSON object of names and values, as hyperparameters.json and the user's configuration are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "job/hyperparameter.h"

namespace smtrain::job {

/// Reads a file of at most 1 MiB that holds one object of strings; bare numbers, booleans and lists become their text; the
/// path is each value's origin. `noun` is what messages call an entry ("hyperparameter", "setting"). Throws a user Error
/// with file and place for anything else, duplicate names included.
std::vector<Given> read_flat_json(const std::string& path, std::string_view noun);

}  // namespace smtrain::job
