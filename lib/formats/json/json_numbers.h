// Numbers as JSON writes them; shared by everything that writes JSON.
#pragma once

#include <cmath>
#include <span>
#include <string>

#include "base/text.h"

namespace smtrain::formats {

/// The shortest number that reads back the same; null when it is not finite, since JSON has no such number.
inline void append_json_number(std::string& out, float value) {
  if (std::isfinite(value)) {
    append_number(out, value);
  } else {
    out += "null";
  }
}

/// [1.5,16.0]
inline void append_json_list(std::string& out, std::span<const float> values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    append_json_number(out, values[i]);
  }
  out += ']';
}

}  // namespace smtrain::formats
