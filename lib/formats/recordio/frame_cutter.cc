#include "formats/recordio/frame_cutter.h"

#include <cstring>

#include "base/error.h"
#include "formats/recordio/record_reader.h"

namespace smtrain::formats::recordio {
namespace {

// Whole frames with a plain head, the usual case, are hopped over without a call.
std::size_t plain_frame_size(std::span<const char> rest, std::size_t limit) {
  std::uint32_t head[2];
  if (rest.size() < sizeof(head)) return 0;
  std::memcpy(head, rest.data(), sizeof(head));
  const std::size_t size = sizeof(head) + ((std::size_t{head[1]} + 3) & ~std::size_t{3});
  return head[0] == kMagic && head[1] <= kMaxPayload && head[1] <= limit && size <= rest.size() ? size : 0;
}

}  // namespace

std::string record_place(const std::string& source, std::uint64_t record, std::uint64_t offset) {
  return fmt::format("{}, record {} (byte {})", source, record, offset);
}

RecordCutter::Cut FrameCutter::cut(const RawBlock& block, bool, bool at_end) {
  Cut cut;
  while (cut.bytes < block.bytes.size()) {
    const std::span<const char> rest = block.bytes.subspan(cut.bytes);
    Frame frame;
    frame.size = plain_frame_size(rest, max_record_bytes_);
    if (frame.size == 0) {
      try {
        if (read_frame(rest, at_end, max_record_bytes_, {}, frame) == FrameState::incomplete) {
          if (!at_end) break;
          throw user_error("{}", truncation(rest));
        }
      } catch (const Error& e) {
        const std::string place = record_place(*block.source, block.first_record + cut.records, block.offset + cut.bytes);
        throw Error(e.fault(), fmt::format("{}: {}", place, e.what()));
      }
    }
    cut.bytes += frame.size;
    ++cut.records;
  }
  return cut;
}

bool Payloads::next() {
  if (next_ >= block_.bytes.size()) return false;
  start_ = next_;
  const std::span<const char> rest = block_.bytes.subspan(start_);
  Frame frame;
  if (read_frame(rest, true, kMaxPayload, {}, frame) == FrameState::incomplete) throw internal_error("{}: not whole", place());
  next_ += frame.size;
  ++count_;
  missing_padding_ = frame.missing_padding;
  if (frame.split) joined_ = join(rest.first(frame.size));
  payload_ = frame.split ? std::string_view(joined_) : std::string_view(frame.payload.data(), frame.payload.size());
  return true;
}

}  // namespace smtrain::formats::recordio
