// Unicode as far as words need it: characters of UTF-8, what they are, their lower case. The tables are part of the program, so
// that words do not depend on a machine's locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smtrain::formats {

enum class CharacterKind : std::uint8_t {
  none,    ///< no part of a word
  letter,
  digit,
  mark,    ///< joins the character before it
  alone,   ///< a word by itself: ideographs, Hiragana
};

inline constexpr char32_t kReplacement = 0xFFFD;

/// Takes the first character off `text`, which is not empty. Bytes that are no UTF-8 come one by one as U+FFFD.
char32_t next_character(std::string_view& text);
void append_character(std::string& out, char32_t character);

CharacterKind kind_of(char32_t character);

/// Its lower case, a single character (of U+0130 without the dot).
char32_t lower_of(char32_t character);

/// The text in lower case; invalid bytes stay as they are.
std::string lower_case(std::string_view text);

}  // namespace smtrain::formats
