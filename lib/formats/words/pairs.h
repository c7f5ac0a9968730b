// Pairs: Object2Vec's records, two lists of token ids and perhaps a label.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/record_stream.h"

namespace smtrain::formats {

struct TokenPair {
  std::vector<std::uint32_t> in0, in1;
  std::optional<double> label;  ///< a class from 0, or a score
  bool operator==(const TokenPair&) const = default;
};

/// Appends {"label":1,"in0":[774,14],"in1":[21]}; a whole label as an integer.
void append_pair(std::string& out, const TokenPair& pair);

/// Pairs out of JSON Lines, in order. Ids lie below 2^31, whichever vocabulary they are of; label may be left out. Not
/// thread-safe.
class PairReader {
 public:
  /// `log` must outlive the reader.
  PairReader(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log);
  ~PairReader();
  /// Replaces `pairs` by the next ones; false at the end. Throws user Errors with the place, for empty lists too.
  bool next(std::vector<TokenPair>& pairs);
  std::uint64_t bytes_consumed() const;

 private:
  class Source;
  std::unique_ptr<Source> source_;
};

}  // namespace smtrain::formats
