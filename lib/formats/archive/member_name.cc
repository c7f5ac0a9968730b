#include "formats/archive/member_name.h"

#include "base/text.h"

namespace smtrain::formats {

std::optional<std::string> member_name(std::string_view name) {
  if (name.empty() || name.front() == '/') return std::nullopt;
  std::string out;
  for (const std::string_view part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return std::nullopt;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

}  // namespace smtrain::formats
