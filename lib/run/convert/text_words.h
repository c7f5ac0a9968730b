// TextWords: what a conversion's words are, and which vocabulary numbers them.
#pragma once

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "formats/words/documents.h"
#include "formats/words/tokenizer.h"
#include "formats/words/vocabulary.h"
#include "run/convert/data_kind.h"

namespace smtrain::run {

/// The file of a vocabulary that is saved at `path`, or the two below it where each side of a translation has its own.
std::vector<std::string> vocabulary_files(const std::string& path, DataKind to);

/// How texts become words for an output: by the options, else as suits it.
class TextWords {
 public:
  /// Refuses options that make no sense together or for `to`, and reads the vocabulary and the stop words they name.
  TextWords(const TextOptions& options, DataKind to);

  /// Whether a pass over all texts must come first.
  bool counts_first() const { return counts_first_; }
  /// Counts the words of documents with a team of threads; called for group after group.
  void count(const std::vector<formats::Document>& documents, int threads);
  /// After the last count(): makes the vocabularies.
  void settle();

  bool has_vocabulary() const { return numbered_; }
  /// Of the texts, or of the second texts where those have their own.
  const formats::Vocabulary& vocabulary(bool second) const { return vocabularies_[second && two_sided_ ? 1 : 0]; }

  /// Calls on_word with each token. const and thread-safe.
  template <class OnWord>
  void each(std::string_view text, OnWord&& on_word) const {
    formats::Tokenizer tokenizer(text, tokens_, lower_case_);
    for (std::string_view word; tokenizer.next(word);) on_word(word);
  }
  /// Appends the ids of the text's words; those that are not in the vocabulary as <unk>, or not at all where it has none.
  template <class Id>
  void append_ids(std::string_view text, bool second, std::vector<Id>& ids) const {
    const formats::Vocabulary& known = vocabulary(second);
    const std::optional<std::uint32_t> unknown = unknown_[second && two_sided_ ? 1 : 0];
    std::uint64_t words = 0, strangers = 0;
    each(text, [&](std::string_view word) {
      const auto id = known.find(word);
      ++words;
      strangers += id ? 0 : 1;
      if (id || unknown) ids.push_back(static_cast<Id>(id ? *id : *unknown));
    });
    words_ += words;
    strangers_ += strangers;
  }

  /// Words seen by append_ids(), and those of them that no vocabulary has.
  std::uint64_t words() const { return words_; }
  std::uint64_t strangers() const { return strangers_; }

  /// Writes what --save-vocabulary asks for, each file whole or not at all. Returns the paths.
  std::vector<std::string> save() const;
  /// Files that were read: vocabularies, stop words.
  const std::vector<std::string>& inputs() const { return inputs_; }

 private:
  void check(const TextOptions& options) const;
  void load();

  TextOptions options_;
  DataKind to_;
  bool two_sided_;        // a vocabulary of its own for the second texts
  bool reserved_;         // ids begin after those of <pad> and so on
  bool numbered_ = false, counts_first_ = false, lower_case_ = true;
  formats::Tokens tokens_ = formats::Tokens::words;
  formats::WordSet stop_words_;
  std::array<formats::WordCounts, 2> counts_;
  std::array<formats::Vocabulary, 2> vocabularies_;
  std::array<std::optional<std::uint32_t>, 2> unknown_;
  std::vector<std::string> inputs_;
  mutable std::atomic<std::uint64_t> words_{0}, strangers_{0};
};

}  // namespace smtrain::run
