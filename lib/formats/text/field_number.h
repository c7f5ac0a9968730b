// Numbers in fields of text.
#pragma once

#include <optional>
#include <string_view>

namespace smtrain::formats {

/// The finite number that the whole field is, in the C locale; a leading + is fine. nullopt for anything else.
std::optional<double> field_number(std::string_view field);

/// Whether a field looks like a date or a time: 2019-05-01, 1/5/2019, 01.05.19 12:30, 2019-05-01T12:30:00Z.
bool looks_like_date(std::string_view field);

}  // namespace smtrain::formats
