// Vocabulary: words and their ids, as NTM (vocab.txt) and seq2seq (vocab.src.json) keep them, counted out of texts or read from a
// file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace smtrain::formats {

struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>()(word); }
};
template <class T>
using WordMap = std::unordered_map<std::string, T, WordHash, std::equal_to<>>;
using WordSet = std::unordered_set<std::string, WordHash, std::equal_to<>>;

/// Ids that seq2seq and Object2Vec keep for themselves: <pad>, <unk>, <s>, </s>.
inline constexpr std::uint32_t kUnknownId = 1, kReservedIds = 4;

/// Words with distinct ids. Immutable once made; readable from any thread.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// Ids in the order of the words, after the reserved ones if there are any.
  Vocabulary(std::vector<std::string> words, bool reserved);

  /// nullopt for a word that is not in it.
  std::optional<std::uint32_t> find(std::string_view word) const {
    const auto found = ids_.find(word);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Words, the reserved ones among them.
  std::size_t size() const { return ids_.size(); }
  /// One more than the largest id.
  std::size_t id_limit() const { return words_.size(); }
  /// Word by id; empty for an id without a word.
  const std::vector<std::string>& words() const { return words_; }

 private:
  friend Vocabulary read_vocabulary(const std::string& path);
  void add(std::string word, std::uint32_t id);
  std::vector<std::string> words_;
  WordMap<std::uint32_t> ids_;
};

/// Reads vocab.txt, a word per line (line i from 0 is word i), or a JSON object of word to id; gzip and zstd too. Throws a user
/// Error with file, line or word for doubled words and ids, ids that are none, an empty file.
Vocabulary read_vocabulary(const std::string& path);

/// Which form a vocabulary has is told by its use: lines for counts, JSON for ids with reserved ones.
std::string vocabulary_lines(const Vocabulary& vocabulary);
std::string vocabulary_json(const Vocabulary& vocabulary);

/// Words and how often they occur. One thread fills one; merged at the end.
class WordCounts {
 public:
  void add(std::string_view word, std::uint64_t count = 1);
  void merge(const WordCounts& other);
  std::size_t words() const { return counts_.size(); }
  std::uint64_t tokens() const { return tokens_; }

  struct Choice {
    std::uint64_t min_count = 1;
    std::size_t max_words = 0;       ///< 0: all
    const WordSet* stop_words = nullptr;
  };
  /// The words that are chosen, by falling frequency, those as frequent in reverse alphabetical (byte) order, as the service's
  /// own preparation of seq2seq data does.
  std::vector<std::string> chosen(const Choice& choice) const;

 private:
  WordMap<std::uint64_t> counts_;
  std::uint64_t tokens_ = 0;
};

}  // namespace smtrain::formats
