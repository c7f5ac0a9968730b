#include "formats/words/tokenizer.h"

#include "formats/words/unicode.h"

namespace smtrain::formats {
namespace {

// Blanks of every kind, ASCII's and Unicode's.
bool is_blank(char32_t c) {
  return c <= 0x20 || c == 0x7F || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

bool is_apostrophe(char32_t c) { return c == '\'' || c == 0x2019; }

// Whether `c` between `before` and `after` keeps them one word.
bool joins(CharacterKind before, char32_t c, CharacterKind after) {
  if (before != after) return false;
  if (before == CharacterKind::letter) return is_apostrophe(c) || c == '-' || c == 0x2010 || c == 0xAD;
  return before == CharacterKind::digit && (c == '.' || c == ',');
}

CharacterKind first_kind(std::string_view text) { return text.empty() ? CharacterKind::none : kind_of(next_character(text)); }

// Takes what goes on with the word that began with a character of `kind`.
void take_rest_of_word(std::string_view& rest, CharacterKind kind) {
  while (!rest.empty()) {
    std::string_view after = rest;
    const char32_t c = next_character(after);
    const CharacterKind here = kind_of(c);
    if (here == CharacterKind::mark) {
      rest = after;
    } else if (kind != CharacterKind::alone && (here == CharacterKind::letter || here == CharacterKind::digit)) {
      kind = here;
      rest = after;
    } else if (joins(kind, c, first_kind(after))) {
      rest = after;
    } else {
      return;
    }
  }
}

}  // namespace

bool Tokenizer::next(std::string_view& token) {
  if (tokens_ == Tokens::blanks ? !next_plain(token) : !next_word(token)) return false;
  if (!lower_case_) return true;
  lowered_ = formats::lower_case(token);
  token = lowered_;
  return true;
}

bool Tokenizer::next_plain(std::string_view& token) {
  std::string_view at = rest_;
  while (!at.empty() && is_blank(next_character(at))) rest_ = at;
  if (rest_.empty()) return false;
  const char* const begin = rest_.data();
  at = rest_;
  while (!at.empty() && !is_blank(next_character(at))) rest_ = at;
  token = {begin, static_cast<std::size_t>(rest_.data() - begin)};
  return true;
}

bool Tokenizer::next_word(std::string_view& token) {
  while (!rest_.empty()) {
    const char* const begin = rest_.data();
    const char32_t c = next_character(rest_);
    const CharacterKind kind = kind_of(c);
    const bool word = kind != CharacterKind::none && kind != CharacterKind::mark;
    if (word) take_rest_of_word(rest_, kind);
    if (!word && (tokens_ == Tokens::words || is_blank(c) || c == kReplacement)) continue;
    token = {begin, static_cast<std::size_t>(rest_.data() - begin)};
    return true;
  }
  return false;
}

}  // namespace smtrain::formats
