// Image records: any bytes are records or a user Error, the same however they are cut into blocks, and a record that is written is read.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/image/image_record.h"
#include "formats/recordio/frame_cutter.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using fuzz::require;

namespace {

using Records = std::vector<image::ImageRecord>;

bool same(const image::ImageRecord& a, const image::ImageRecord& b) {
  return a.id == b.id && a.labels == b.labels && a.vector == b.vector && a.image == b.image;
}

std::optional<Records> read_all(std::string_view bytes, std::size_t step) {
  Records records;
  const bool fine = fuzz::accepts([&] {
    recordio::FrameCutter cutter(1 << 16);
    fuzz::cut_in_pieces(cutter, bytes, step, [&](const RawBlock& block) {
      recordio::Payloads payloads(block);
      while (payloads.next()) records.push_back(image::parse_image_record(payloads.payload()));
      return true;
    });
  });
  return fine ? std::optional(records) : std::nullopt;
}

bool same(const Records& a, const Records& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return same(x, y); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  const auto whole = read_all(bytes, size + 1), parts = read_all(bytes, 29);
  require(whole.has_value() == parts.has_value());
  if (!whole) return 0;
  require(same(*whole, *parts));
  std::string written;
  for (const image::ImageRecord& record : *whole) append_image_record(written, record);
  const auto again = read_all(written, written.size() + 1);
  require(again && same(*whole, *again));
  return 0;
}
