// manifest.json of a model tarball.
#pragma once

#include <string>
#include <string_view>

#include "job/model.h"

namespace smtrain::job {

constexpr std::int64_t kFormatVersion = 1;

/// JSON text, two blanks deep, keys sorted. Texts of `data` that are JSON appear as such; other texts as strings. Numbers
/// that JSON has not (nan, inf) are strings.
std::string write_manifest(const Manifest& manifest);

/// `name` is for messages. Fields that are absent keep their defaults, unknown ones are passed over. Throws a user Error for
/// broken JSON, fields of a wrong type, and a format version above ours.
Manifest read_manifest(std::string_view text, const std::string& name);

}  // namespace smtrain::job
