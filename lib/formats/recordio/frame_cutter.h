// RecordIO files cut at their records, whatever the payloads are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "formats/record_cutter.h"
#include "formats/recordio/framing.h"

namespace smtrain::formats::recordio {

/// "train/a.rec, record 3 (byte 4096)"; records count from 0, the byte is that of the magic word.
std::string record_place(const std::string& source, std::uint64_t record, std::uint64_t offset);

/// Cuts at whole records; refuses, with the place, what is no sequence of records. Keeps no state.
class FrameCutter final : public RecordCutter {
 public:
  explicit FrameCutter(std::size_t max_record_bytes = kMaxPayload) : max_record_bytes_(max_record_bytes) {}
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;

 private:
  std::size_t max_record_bytes_;
};

/// The payloads of a block that FrameCutter has cut, one after the other, those of split records joined. One thread.
class Payloads {
 public:
  explicit Payloads(const RawBlock& block) : block_(block) {}
  bool next();
  /// Valid until the next call of next().
  std::string_view payload() const { return payload_; }
  std::uint64_t record() const { return block_.first_record + count_ - 1; }
  std::uint64_t offset() const { return block_.offset + start_; }
  std::string place() const { return record_place(*block_.source, record(), offset()); }
  /// The file ends without the padding of this record.
  bool missing_padding() const { return missing_padding_; }

 private:
  const RawBlock& block_;
  std::size_t start_ = 0, next_ = 0;
  std::uint64_t count_ = 0;
  bool missing_padding_ = false;
  std::string_view payload_;
  std::string joined_;
};

}  // namespace smtrain::formats::recordio
