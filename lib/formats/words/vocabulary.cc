#include "formats/words/vocabulary.h"

#include <simdjson.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/io/byte_stream.h"
#include "formats/json/json_row.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;
constexpr std::uint64_t kMostIds = 100'000'000;
constexpr const char* kReservedWords[kReservedIds] = {"<pad>", "<unk>", "<s>", "</s>"};

std::string read_all(const std::string& path) {
  const std::vector<InputFile> files = expand_path(path);
  if (files.size() != 1) throw user_error("{}: {} files, expected one vocabulary", path, files.size());
  const auto stream = open_bytes(files.front());
  std::string text;
  for (std::size_t have = 0, got = 1; got > 0; have += got) {
    if (have > kMostBytes) throw user_error("{}: more than {}, which is no vocabulary", path, format_bytes(kMostBytes));
    text.resize(have + std::max(have, std::size_t{64} << 10));
    got = stream->read(std::span(text).subspan(have));
    text.resize(have + got);
  }
  return text;
}

// Word and id, unique both.
struct WordId {
  std::string word;
  std::uint32_t id;
};

std::vector<WordId> read_json(const std::string& text, const std::string& path) {
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  const simdjson::error_code error = parser.parse(text).get(members);
  if (error != simdjson::SUCCESS) {
    throw user_error("{}: {}; expected an object of words and their ids such as {}", path,
                     to_lower(simdjson::error_message(error)), R"({"<pad>":0,"the":4})");
  }
  std::vector<WordId> words;
  for (const auto& [word, value] : members) {
    std::uint64_t id = 0;
    if (value.get(id) != simdjson::SUCCESS || id >= kMostIds) {
      throw user_error("{}: word {}: found {}, expected an id from 0 to {}", path, smtrain::quoted(word), describe_json(value),
                       kMostIds - 1);
    }
    words.push_back({std::string(word), static_cast<std::uint32_t>(id)});
  }
  return words;
}

std::vector<WordId> read_lines(const std::string& text, const std::string& path) {
  std::vector<WordId> words;
  Lines lines(without_bom(text), 1, BlankLines::records);
  while (lines.next()) {
    if (lines.line().empty())
      throw user_error("{}: an empty line, expected a word on every line", line_place(path, lines.number()));
    words.push_back({std::string(lines.line()), static_cast<std::uint32_t>(words.size())});
  }
  return words;
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> words, bool reserved) {
  std::uint32_t id = 0;
  if (reserved) {
    for (const char* word : kReservedWords) add(word, id++);
  }
  for (std::string& word : words) {
    if (!ids_.contains(word)) add(std::move(word), id++);
  }
}

void Vocabulary::add(std::string word, std::uint32_t id) {
  if (id >= words_.size()) words_.resize(id + std::size_t{1});
  words_[id] = word;
  ids_.emplace(std::move(word), id);
}

Vocabulary read_vocabulary(const std::string& path) {
  const std::string text = read_all(path);
  const std::string_view body = trim(without_bom(text));
  if (body.empty()) throw user_error("{}: is empty, expected a word per line or a JSON object of words and their ids", path);
  std::vector<WordId> words = body.front() == '{' ? read_json(text, path) : read_lines(text, path);
  // Few words with large ids would take memory for all ids below.
  const std::size_t most = 1000 + 10 * words.size();
  Vocabulary vocabulary;
  for (WordId& w : words) {
    if (w.word.empty()) throw user_error("{}: an empty word has the id {}", path, w.id);
    if (w.id >= most)
      throw user_error("{}: word {} has the id {}, with {} words in all", path, smtrain::quoted(w.word), w.id, words.size());
    if (vocabulary.ids_.contains(w.word)) throw user_error("{}: the word {} stands there twice", path, smtrain::quoted(w.word));
    if (w.id < vocabulary.words_.size() && !vocabulary.words_[w.id].empty()) {
      throw user_error("{}: the words {} and {} have the same id {}", path, smtrain::quoted(vocabulary.words_[w.id]),
                       smtrain::quoted(w.word), w.id);
    }
    vocabulary.add(std::move(w.word), w.id);
  }
  return vocabulary;
}

std::string vocabulary_lines(const Vocabulary& vocabulary) {
  std::string text;
  for (const std::string& word : vocabulary.words()) text += word + '\n';
  return text;
}

std::string vocabulary_json(const Vocabulary& vocabulary) {
  std::string text;
  for (std::size_t id = 0; id < vocabulary.words().size(); ++id) {
    const std::string& word = vocabulary.words()[id];
    if (!word.empty()) text += fmt::format("{}\n    {}: {}", text.empty() ? "{" : ",", json_quoted(word), id);
  }
  return (text.empty() ? "{" : text) + "\n}\n";
}

void WordCounts::add(std::string_view word, std::uint64_t count) {
  tokens_ += count;
  const auto found = counts_.find(word);
  if (found != counts_.end()) found->second += count;
  else counts_.emplace(word, count);
}

void WordCounts::merge(const WordCounts& other) {
  for (const auto& [word, count] : other.counts_) add(word, count);
}

std::vector<std::string> WordCounts::chosen(const Choice& choice) const {
  using Entry = std::pair<const std::string, std::uint64_t>;
  std::vector<const Entry*> entries;
  for (const Entry& entry : counts_) {
    const bool stopped = choice.stop_words != nullptr && choice.stop_words->contains(entry.first);
    if (entry.second >= choice.min_count && !stopped) entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) {
    return a->second != b->second ? a->second > b->second : a->first > b->first;
  });
  if (choice.max_words > 0 && entries.size() > choice.max_words) entries.resize(choice.max_words);
  std::vector<std::string> words;
  words.reserve(entries.size());
  for (const Entry* entry : entries) words.push_back(entry->first);
  return words;
}

}  // namespace smtrain::formats
