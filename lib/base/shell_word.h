// Text as a word of a command line.
#pragma once

#include <string>
#include <string_view>

namespace smtrain {

/// What a shell takes for `text`: as it is, or in single quotes.
std::string shell_word(std::string_view text);

}  // namespace smtrain
