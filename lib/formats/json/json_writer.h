// JsonLinesWriter: tables as JSON Lines of inference instances (share/doc/formats/json.md).
#pragma once

#include "formats/table_writer.h"

namespace smtrain::formats {

/// One object per row: {"features":[1.5,16.0]} for dense rows, {"data":{"features":{"keys":[0],"shape":[2],"values":[1.5]}}}
/// for sparse ones. Labels follow as "label", a number or a list, then "weight" and "qid" where rows have them; readers of
/// requests ignore these. Numbers are the shortest that read back the same, null for those that are not finite.
class JsonLinesWriter final : public TableWriter {
 public:
  explicit JsonLinesWriter(const TableWriterOptions&) {}

  void begin(const Batch&, std::string&) override {}
  void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const override;
  void end(std::string&) override {}
};

}  // namespace smtrain::formats
