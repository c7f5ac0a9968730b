#include "run/convert/text_words.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"

namespace smtrain::run {
namespace {

using formats::Tokens;
using formats::Vocabulary;
using formats::WordCounts;

constexpr std::size_t kSeq2seqWords = 50000;  // as the service's own preparation
constexpr const char* kSideFiles[2] = {"vocab.src.json", "vocab.trg.json"};

Tokens tokens_of(const TextOptions& options, DataKind to) {
  const std::string name = options.tokens.value_or(to == DataKind::sentences      ? "marks"
                                                   : to == DataKind::translations ? "blanks"
                                                                                  : "words");
  return name == "blanks" ? Tokens::blanks : name == "marks" ? Tokens::marks : Tokens::words;
}

formats::WordSet read_stop_words(const std::string& path, bool lower_case) {
  formats::WordSet words;
  const std::string text = read_file(path);
  for (const std::string_view line : split(text, '\n')) {
    formats::Tokenizer tokenizer(line, Tokens::blanks, lower_case);
    for (std::string_view word; tokenizer.next(word);) words.emplace(word);
  }
  if (words.empty()) throw user_error("{}: holds no word, expected stop words, one per line", path);
  return words;
}

}  // namespace

std::vector<std::string> vocabulary_files(const std::string& path, DataKind to) {
  if (to != DataKind::translations) return {path};
  return {path + "/" + kSideFiles[0], path + "/" + kSideFiles[1]};
}

TextWords::TextWords(const TextOptions& options, DataKind to)
    : options_(options), to_(to), two_sided_(to == DataKind::translations),
      reserved_(to == DataKind::translations || to == DataKind::pairs), tokens_(tokens_of(options, to)) {
  check(options);
  lower_case_ = options.lower_case || (!options.keep_case && to != DataKind::translations);
  const bool chooses = options.min_count || options.vocabulary_size || options.stop_words;
  numbered_ = to != DataKind::sentences || options.vocabulary || options.save_vocabulary || chooses;
  counts_first_ = numbered_ && !options.vocabulary;
  if (options.stop_words) {
    stop_words_ = read_stop_words(*options.stop_words, lower_case_);
    inputs_.push_back(*options.stop_words);
  }
  if (options.vocabulary) load();
}

void TextWords::check(const TextOptions& options) const {
  if (options.keep_case && options.lower_case) throw user_error("--keep-case and --lower-case contradict each other; give one");
  if (options.vocabulary && options.save_vocabulary) {
    throw user_error("--vocabulary uses a vocabulary and --save-vocabulary makes one; give one of them");
  }
  if (options.vocabulary && (options.min_count || options.vocabulary_size || options.stop_words)) {
    throw user_error(
        "--min-count, --vocabulary-size and --stop-words choose the words of a new vocabulary; with --vocabulary they are those "
        "it has");
  }
  if (options.min_count.value_or(1) < 1 || options.vocabulary_size.value_or(1) < 1) {
    throw user_error("--min-count and --vocabulary-size must be at least 1");
  }
  if (to_ == DataKind::sentences || options.vocabulary || options.save_vocabulary) return;
  throw user_error(
      "{} number the words: say --save-vocabulary PATH to keep the numbers (of training data), or --vocabulary PATH to use those "
      "that were kept (of all other data)",
      words_for(to_));
}

void TextWords::load() {
  const std::string& path = *options_.vocabulary;
  if (two_sided_ && !std::filesystem::is_directory(path)) {
    throw user_error("--vocabulary {}: is no folder, expected one with {} and {}", path, kSideFiles[0], kSideFiles[1]);
  }
  const std::vector<std::string> files = vocabulary_files(path, to_);
  for (std::size_t side = 0; side < files.size(); ++side) {
    vocabularies_[side] = formats::read_vocabulary(files[side]);
    if (reserved_) unknown_[side] = vocabularies_[side].find("<unk>");
  }
  inputs_.insert(inputs_.end(), files.begin(), files.end());
}

void TextWords::count(const std::vector<formats::Document>& documents, int threads) {
  const auto team = static_cast<std::size_t>(threads);
  std::vector<std::array<WordCounts, 2>> counts(team);
  ExceptionTrap trap;
  run_team(threads, [&](int index) {
    const auto self = static_cast<std::size_t>(index);
    trap.run(self, [&] {
      for (std::size_t i = self; i < documents.size(); i += team) {
        each(documents[i].text, [&](std::string_view word) { counts[self][0].add(word); });
        each(documents[i].second, [&](std::string_view word) { counts[self][two_sided_ ? 1 : 0].add(word); });
      }
    });
  });
  trap.rethrow();
  for (const auto& mine : counts) {
    for (std::size_t side = 0; side < 2; ++side) counts_[side].merge(mine[side]);
  }
}

void TextWords::settle() {
  WordCounts::Choice choice;
  choice.min_count = options_.min_count.value_or(1);
  choice.max_words = options_.vocabulary_size.value_or(to_ == DataKind::translations ? kSeq2seqWords : 0);
  choice.stop_words = &stop_words_;
  for (std::size_t side = 0; side < (two_sided_ ? 2 : 1); ++side) {
    std::vector<std::string> words = counts_[side].chosen(choice);
    if (words.empty()) {
      throw user_error("no word is left for the vocabulary: {} words occur, {} different ones, with --min-count {}",
                       counts_[side].tokens(), counts_[side].words(), choice.min_count);
    }
    vocabularies_[side] = Vocabulary(std::move(words), reserved_);
    if (reserved_) unknown_[side] = formats::kUnknownId;
    counts_[side] = WordCounts();
  }
}

std::vector<std::string> TextWords::save() const {
  if (!options_.save_vocabulary) return {};
  if (two_sided_) std::filesystem::create_directories(*options_.save_vocabulary);
  const std::vector<std::string> paths = vocabulary_files(*options_.save_vocabulary, to_);
  for (std::size_t side = 0; side < paths.size(); ++side) {
    AtomicFile file(paths[side]);
    file.write(reserved_ ? formats::vocabulary_json(vocabularies_[side]) : formats::vocabulary_lines(vocabularies_[side]));
    file.commit();
  }
  return paths;
}

}  // namespace smtrain::run
