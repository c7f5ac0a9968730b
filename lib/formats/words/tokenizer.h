// Tokenizer: text to words.
#pragma once

#include <string>
#include <string_view>

namespace smtrain::formats {

enum class Tokens {
  words,   ///< words alone: letters, digits and the marks on them; apostrophes and hyphens inside a word, points inside a number
  marks,   ///< words, and each other character that is no blank as a token of its own
  blanks,  ///< what stands between blanks
};

/// Steps through the tokens of a text. Ideographs and Hiragana, which are written without blanks, are a word each; bytes that are
/// no UTF-8 belong to no word.
class Tokenizer {
 public:
  Tokenizer(std::string_view text, Tokens tokens, bool lower_case) : rest_(text), tokens_(tokens), lower_case_(lower_case) {}
  /// Sets `token` to the next one; false at the end. Valid until the next call, and as long as the text.
  bool next(std::string_view& token);

 private:
  bool next_plain(std::string_view& token);
  bool next_word(std::string_view& token);

  std::string_view rest_;
  Tokens tokens_;
  bool lower_case_;
  std::string lowered_;
};

}  // namespace smtrain::formats
