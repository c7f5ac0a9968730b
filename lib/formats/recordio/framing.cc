#include "formats/recordio/framing.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "formats/content_type.h"

namespace smtrain::formats::recordio {
namespace {

constexpr std::size_t kHead = 8;
constexpr char kMagicBytes[4] = {'\x0a', '\x23', '\xd7', '\xce'};

enum Continuation : std::uint32_t { kWhole = 0, kFirst = 1, kMiddle = 2, kLast = 3 };

// The format is little-endian whatever the machine is.
std::uint32_t load_u32(const char* p) {
  const auto* b = reinterpret_cast<const unsigned char*>(p);
  return std::uint32_t{b[0]} | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
}

void append_u32(std::string& out, std::uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(word >> shift));
}

std::string prefix(std::string_view where) { return where.empty() ? std::string() : fmt::format("{}: ", where); }

std::string hex(std::span<const char> bytes) {
  std::string text;
  for (const char c : bytes) {
    fmt::format_to(std::back_inserter(text), "{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned char>(c));
  }
  return text;
}

[[noreturn]] void refuse_magic(std::span<const char> bytes, std::string_view where) {
  const std::string looks = describe_content(bytes);
  const bool known = looks != "binary data" && looks != "an empty file";
  throw user_error("{}found the bytes {}, expected the recordIO magic word 0a 23 d7 ce{}", prefix(where),
                   hex(bytes.first(std::min<std::size_t>(4, bytes.size()))),
                   known ? fmt::format("; this looks like {}", looks) : std::string());
}

// Enough bytes for a decision come first: a wrong file of two bytes is told apart from a short record.
bool head_complete(std::span<const char> bytes, std::string_view where) {
  if (std::memcmp(bytes.data(), kMagicBytes, std::min<std::size_t>(4, bytes.size())) != 0) refuse_magic(bytes, where);
  return bytes.size() >= kHead;
}

struct Part {
  std::uint32_t flag = 0;
  std::size_t length = 0;
  std::size_t padded() const { return (length + 3) & ~std::size_t{3}; }
};

Part part_at(const char* head) {
  const std::uint32_t word = load_u32(head + 4);
  return {word >> 29, word & kMaxPayload};
}

void refuse_large(std::size_t length, std::size_t limit, std::string_view where) {
  if (length <= limit) return;
  throw user_error("{}a payload of {} bytes, expected at most {} (--max-record-bytes)", prefix(where), length, limit);
}

// True when `bytes`, which begin with the part's head, hold the whole part; sets `size` to what it takes.
bool part_complete(std::span<const char> bytes, const Part& part, bool at_end, std::size_t& size, bool& missing_padding) {
  const std::size_t whole = kHead + part.padded();
  missing_padding = at_end && bytes.size() < whole && bytes.size() >= kHead + part.length;
  size = missing_padding ? bytes.size() : whole;
  return bytes.size() >= size;
}

FrameState read_split(std::span<const char> bytes, bool at_end, std::size_t limit, std::string_view where, Frame& frame) {
  std::size_t at = 0, length = 0, size = 0;
  for (bool first = true;; first = false) {
    const std::span<const char> rest = bytes.subspan(at);
    if (!head_complete(rest, where)) return FrameState::incomplete;
    const Part part = part_at(rest.data());
    if (!first && part.flag != kMiddle && part.flag != kLast) {
      throw user_error("{}continuation flag {} at byte {} of the record, expected 2 or 3 after a first part", prefix(where),
                       part.flag, at);
    }
    length += part.length + (first ? 0 : sizeof(kMagicBytes));
    refuse_large(length, limit, where);
    if (!part_complete(rest, part, at_end, size, frame.missing_padding)) return FrameState::incomplete;
    at += size;
    if (part.flag == kLast) break;
  }
  frame.size = at;
  frame.payload = {};
  frame.split = true;
  return FrameState::complete;
}

void append_part(std::string& out, std::uint32_t flag, std::string_view bytes) {
  out.append(kMagicBytes, sizeof(kMagicBytes));
  append_u32(out, flag << 29 | static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

void append_split(std::string& out, std::string_view payload) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at + 4 <= payload.size(); at += 4) {
    if (std::memcmp(payload.data() + at, kMagicBytes, 4) != 0) continue;
    append_part(out, begin == 0 ? kFirst : kMiddle, payload.substr(begin, at - begin));
    begin = at + 4;
  }
  append_part(out, begin == 0 ? kWhole : kLast, payload.substr(begin));
}

}  // namespace

FrameState read_frame(std::span<const char> bytes, bool at_end, std::size_t limit, std::string_view where, Frame& frame) {
  frame = Frame();
  if (bytes.empty() || !head_complete(bytes, where)) return FrameState::incomplete;
  const Part part = part_at(bytes.data());
  if (part.flag == kFirst) return read_split(bytes, at_end, limit, where, frame);
  if (part.flag != kWhole) {
    throw user_error("{}continuation flag {} (length word {:08x}), expected 0 or 1 at the start of a record", prefix(where),
                     part.flag, load_u32(bytes.data() + 4));
  }
  refuse_large(part.length, limit, where);
  if (!part_complete(bytes, part, at_end, frame.size, frame.missing_padding)) return FrameState::incomplete;
  frame.payload = bytes.subspan(kHead, part.length);
  return FrameState::complete;
}

std::string join(std::span<const char> record) {
  std::string payload;
  for (std::size_t at = 0; at + kHead <= record.size();) {
    const Part part = part_at(record.data() + at);
    if (at > 0) payload.append(kMagicBytes, sizeof(kMagicBytes));
    payload.append(record.data() + at + kHead, std::min(part.length, record.size() - at - kHead));
    at += kHead + part.padded();
  }
  return payload;
}

void append_frame(std::string& out, std::string_view payload, bool split) {
  if (payload.size() > kMaxPayload) {
    throw user_error("a record of {} bytes, recordIO holds at most {}; use fewer columns or sparse rows", payload.size(),
                     kMaxPayload);
  }
  if (split) {
    append_split(out, payload);
  } else {
    append_part(out, kWhole, payload);
  }
  out.append((4 - payload.size() % 4) % 4, '\0');
}

}  // namespace smtrain::formats::recordio
