// The parts of an output: their names, shares and paths.
#pragma once

#include <string>
#include <vector>

#include "run/convert/prepare_options.h"

namespace smtrain::run {

struct PartPlan {
  std::vector<std::string> names;  ///< one, "", when the output is not parted
  std::vector<double> shares;      ///< of sum 1
  bool in_turn = false;            ///< record i goes to part i modulo their number
};

/// --split: shares between 0 and 1 of sum 1, or in percent; one may be left out and is the rest. --folds and --shards: 2 to 1000
/// equal ones, fold0 … and 00000 …. Throws a user Error for what cannot be, and for flags that exclude or need each other.
PartPlan plan_parts(const PrepareOptions& options);

/// The path of a part: its name for each {} in `output`; where there is none, -NAME before the suffix: out-train.csv.gz. `output`
/// itself when the name is empty.
std::string part_path(const std::string& output, const std::string& name);

/// A ManifestFile that names `paths`, which lie in one folder: [{"prefix": "file:///..."}, "...", ...].
std::string manifest_of(const std::vector<std::string>& paths);

}  // namespace smtrain::run
