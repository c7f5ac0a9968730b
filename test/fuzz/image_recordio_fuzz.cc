// Image records: any bytes are records or a user Error, the same however they are cut into blocks, and a record that is written is read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "formats/image/image_record.h"
#include "formats/recordio/frame_cutter.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

using Records = std::vector<image::ImageRecord>;

bool same(const image::ImageRecord& a, const image::ImageRecord& b) {
  return a.id == b.id && a.labels == b.labels && a.vector == b.vector && a.image == b.image;
}

std::optional<Records> read_all(std::span<const char> bytes, std::size_t chunk) {
  Records records;
  try {
    recordio::FrameCutter cutter(1 << 16);
    RawBlock block{{}, std::make_shared<const std::string>("fuzz"), 0, 0, 0, 0};
    for (std::size_t size = chunk; !bytes.empty();) {
      block.bytes = bytes.first(std::min(size, bytes.size()));
      const RecordCutter::Cut cut = cutter.cut(block, block.offset == 0, block.bytes.size() == bytes.size());
      if (cut.bytes == 0) {
        size += chunk;
        continue;
      }
      RawBlock part = block;
      part.bytes = block.bytes.first(cut.bytes);
      part.records = cut.records;
      recordio::Payloads payloads(part);
      while (payloads.next()) records.push_back(image::parse_image_record(payloads.payload()));
      block.offset += cut.bytes;
      block.first_record += cut.records;
      bytes = bytes.subspan(cut.bytes);
      size = chunk;
    }
  } catch (const Error& e) {
    if (e.fault() != Fault::user) std::abort();
    return std::nullopt;
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = read_all(bytes, size + 1), parts = read_all(bytes, 29);
  if (whole.has_value() != parts.has_value()) std::abort();
  if (!whole) return 0;
  if (!std::equal(whole->begin(), whole->end(), parts->begin(), parts->end(), same)) std::abort();
  std::string written;
  for (const image::ImageRecord& record : *whole) append_image_record(written, record);
  const auto again = read_all(written, written.size() + 1);
  if (!again || !std::equal(whole->begin(), whole->end(), again->begin(), again->end(), same)) std::abort();
  return 0;
}
