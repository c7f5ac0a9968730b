// The usual instance of JSON Lines, read without a parser's tape: members in any order, blanks anywhere, no member that is not
// known. Whatever else JSON allows, and every error, is left to the general reader.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace smtrain::formats {

/// What stands in an instance; reused from one to the next.
struct ScannedInstance {
  bool nested = false;    ///< the features stand in "data"
  bool tensor = false;    ///< as an object with "values", perhaps "keys" and "shape"
  bool has_label = false, has_weight = false, has_qid = false;
  std::vector<float> values, labels;
  std::vector<std::uint64_t> keys, shape;
  float weight = 1;
  std::uint64_t qid = 0;
};

/// Reads one object such as
///   {"features":[1.5,16],"label":1,"weight":0.5,"qid":7}
///   {"data":{"features":{"keys":[0],"shape":[2],"values":[1.5]}},"label":[1,0]}
/// False, with `out` in any state, when `text` is anything else or no valid JSON. Numbers are the nearest float32, as
/// parse_number has it. kNumberReach bytes behind the text must be readable; what they hold changes nothing.
bool scan_instance(std::string_view text, ScannedInstance& out);

}  // namespace smtrain::formats
