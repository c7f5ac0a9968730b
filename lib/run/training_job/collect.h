// Collecting: what the hosts left, merged into artifacts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"

namespace smtrain::run::training_job {

/// Makes `output`/NAME.tar.gz of the files below the folders, or, not `compressed`, the folder `output`/FOLDER, whole or not at
/// all. Folders are those of the hosts in their order: of two files of one name the later host's stays, with a note. Members are
/// sorted, manifest.json first, owner 0, time fixed, so that a built-in's archive is byte for byte that of the plain command.
/// Symbolic links are left out with a warning. Returns the path of what was made; "" when there is no file and `even_empty` is
/// not set.
std::string collect(const std::vector<std::filesystem::path>& folders, const std::filesystem::path& output,
                    const std::string& name, const std::string& folder, bool compressed, bool even_empty, Log& log);

}  // namespace smtrain::run::training_job
