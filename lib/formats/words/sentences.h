// Sentences: BlazingText's lines of tokens, with or without labels (share/doc/formats/text.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "formats/record_stream.h"

namespace smtrain::formats {

inline constexpr std::string_view kLabelPrefix = "__label__";

/// A sentence of a supervised task: its labels and its words.
struct Sentence {
  std::vector<std::string> labels;  ///< without the prefix, as they come in the line
  std::string words;                ///< apart by one blank each
  bool operator==(const Sentence&) const = default;
};

/// Takes the next token off a line: what stands between blanks, tabs, carriage returns, vertical tabs, form feeds and NULs. Empty
/// at the end.
std::string_view next_token(std::string_view& line);

/// The tokens of a line, those that begin with __label__ taken out of it.
Sentence sentence_of(std::string_view line);

/// Appends the line, labels first.
void append_sentence(std::string& out, const Sentence& sentence);
/// Appends the object {"source":…,"label":…} of an augmented manifest; without labels it has no label. Labels that are no
/// integers are a user Error.
void append_sentence_json(std::string& out, const Sentence& sentence);

/// Sentences out of files, in order: lines, or JSON Lines with `source` and `label` (an integer, a string of digits, or a list of
/// them). Not thread-safe.
class SentenceReader {
 public:
  enum class Form { lines, json };
  /// `log` must outlive the reader.
  SentenceReader(std::vector<InputFile> files, Form form, const BlockTeamOptions& options, Log& log);
  ~SentenceReader();
  /// Replaces `sentences` by the next ones; false at the end. Throws user Errors with the place.
  bool next(std::vector<Sentence>& sentences);
  std::uint64_t bytes_consumed() const;

 private:
  class Source;
  std::unique_ptr<Source> source_;
};

}  // namespace smtrain::formats
