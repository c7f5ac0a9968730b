// Names of members of archives, which come from anyone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtrain::formats {

/// "./a//b" is "a/b"; "" for the folder itself. Nothing for names that lead elsewhere: absolute ones and those with "..".
std::optional<std::string> member_name(std::string_view name);

}  // namespace smtrain::formats
