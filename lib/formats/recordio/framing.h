// RecordIO framing: magic word, length word, payload, padding (share/doc/formats/recordio.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace smtrain::formats::recordio {

inline constexpr std::uint32_t kMagic = 0xCED7230Au;
inline constexpr std::uint32_t kMaxPayload = (1u << 29) - 1;

/// One record as found in a span of bytes.
struct Frame {
  std::size_t size = 0;         ///< bytes from the magic word to the next record, padding included
  std::span<const char> payload;  ///< of an unsplit record; empty for a split one
  bool split = false;           ///< the record comes in parts: join() yields its payload
  bool missing_padding = false; ///< the file ends before the padding does
};

enum class FrameState { complete, incomplete };

/// Looks at the record that begins at bytes[0]. `incomplete`: more bytes are needed (an error when there are none; the
/// caller knows). Throws a user Error that starts with `where` for a wrong magic word, an impossible sequence of
/// continuation flags or a payload above `limit`.
FrameState read_frame(std::span<const char> bytes, bool at_end, std::size_t limit, std::string_view where, Frame& frame);

/// The payload of a split record, magic words put back.
std::string join(std::span<const char> record);

/// Appends one framed record. `split`: cut at magic words at 4-byte-aligned payload offsets, as the dmlc writer does.
void append_frame(std::string& out, std::string_view payload, bool split);

}  // namespace smtrain::formats::recordio
