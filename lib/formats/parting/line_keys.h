// What records that are lines are parted by: a member of JSON, the label or query of libsvm, the label of a sentence.
#pragma once

#include <string>
#include <string_view>

#include "formats/content_type.h"

namespace smtrain::formats {

/// Finds one value in each line. const and thread-safe.
class LineKey {
 public:
  /// `flag` ("--stratify") and `name` as typed: of JSON Lines a top-level member; of libsvm label or qid; of text label, the
  /// first word that begins with __label__. Throws a user Error for any other name or format.
  LineKey(Format format, std::string flag, std::string name);

  /// The value's bytes in the line, of JSON its text, as a key. Throws a user Error that begins with `place` when there is none.
  std::uint64_t of(std::string_view line, const std::string& source, std::uint64_t number) const;

 private:
  std::string_view find(std::string_view line) const;
  Format format_;
  std::string flag_, name_;
};

}  // namespace smtrain::formats
