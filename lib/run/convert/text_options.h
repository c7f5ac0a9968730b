// What a conversion of texts is told: where the texts stand, what their words are, which of them count.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "run/flags/flags.h"

namespace smtrain::run {

struct TextOptions {
  std::vector<std::string> text;             ///< columns or members
  std::optional<std::string> second_text;    ///< column of the other side of a pair
  std::optional<std::string> second;         ///< file of the other side, line by line
  std::optional<std::string> label;          ///< column
  std::vector<std::string> label_names;      ///< texts of the labels 0, 1, ...
  bool file_per_document = false;
  std::optional<std::string> tokens;         ///< words, marks, blanks
  bool keep_case = false, lower_case = false;
  std::optional<std::uint64_t> min_count, vocabulary_size;
  std::optional<std::string> stop_words;     ///< file, a word per line
  std::optional<std::string> vocabulary, save_vocabulary;
};

/// The flags of the above, for the table of flags.
std::vector<Flag> text_flags();

}  // namespace smtrain::run
