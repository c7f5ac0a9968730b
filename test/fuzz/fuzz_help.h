// What fuzz targets share: what may be thrown, and bytes that come in pieces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "formats/record_cutter.h"

namespace smtrain::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

/// Whether `body` ends without an Error. One that is not the user's fault is a crash.
template <class Body>
bool accepts(Body&& body) {
  try {
    std::forward<Body>(body)();
    return true;
  } catch (const Error& error) {
    require(error.fault() == Fault::user);
    return false;
  }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

/// Has `cutter` cut a file that comes `step` bytes at a time, and hands its blocks to take(block) until that returns false. The cutter
/// and take() see copies of their own length, so that a sanitizer sees what is read beyond.
template <class Take>
void cut_in_pieces(formats::RecordCutter& cutter, std::string_view bytes, std::size_t step, Take&& take) {
  formats::RawBlock at{{}, std::make_shared<const std::string>("fuzz"), 0, 0, 1, 0};
  for (std::size_t start = 0, offered = 0; start < bytes.size();) {
    offered = std::min(bytes.size(), offered + step);
    const std::vector<char> copy(bytes.begin() + static_cast<long>(start), bytes.begin() + static_cast<long>(offered));
    formats::RawBlock block = at;
    block.bytes = copy;
    const formats::RecordCutter::Cut cut = cutter.cut(block, start == 0, offered == bytes.size());
    require(cut.skip <= cut.bytes && cut.bytes <= copy.size());
    require(cut.bytes != 0 || offered != bytes.size());
    if (cut.bytes == 0) continue;
    const std::vector<char> records(copy.begin() + static_cast<long>(cut.skip), copy.begin() + static_cast<long>(cut.bytes));
    block.bytes = records;
    block.records = cut.records;
    if (!take(block)) return;
    at.offset += cut.bytes;
    at.first_record += cut.records;
    at.first_line += cut.lines;
    start += cut.bytes;
  }
}

}  // namespace smtrain::fuzz
