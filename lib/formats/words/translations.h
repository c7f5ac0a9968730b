// Translations: seq2seq's recordIO records, the token ids of a source and a target sentence (share/doc/formats/recordio.md).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/record_stream.h"

namespace smtrain::formats {

struct Translation {
  std::vector<std::int32_t> source, target;  ///< ids from 0, without begin and end symbols
  bool operator==(const Translation&) const = default;
};

/// Appends the framed record: integers under features["source"] and features["target"], no label.
void append_translation(std::string& out, const Translation& translation, bool split);

/// Whether a file that begins with these bytes holds such records, as far as its first one tells; false when that does not end.
bool holds_translations(std::span<const char> head);

/// Pairs out of recordIO files, in order. Tensors of floats will do where all values are whole. Not thread-safe.
class TranslationReader {
 public:
  /// `log` must outlive the reader.
  TranslationReader(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log);
  ~TranslationReader();
  /// Replaces `translations` by the next ones; false at the end. Throws user Errors with file, record, byte offset and field: for
  /// records without one of the sides, negative ids, empty sides.
  bool next(std::vector<Translation>& translations);
  std::uint64_t bytes_consumed() const;

 private:
  class Source;
  std::unique_ptr<Source> source_;
};

}  // namespace smtrain::formats
