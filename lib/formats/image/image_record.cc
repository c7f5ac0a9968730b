#include "formats/image/image_record.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "formats/content_type.h"
#include "formats/image/image_info.h"
#include "formats/recordio/frame_cutter.h"
#include "formats/recordio/framing.h"

namespace smtrain::formats::image {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as the file has them");

constexpr std::size_t kHeader = 24;

struct Header {
  std::uint32_t flag = 0;
  float label = 0;
  std::uint64_t id = 0, id2 = 0;
};
static_assert(sizeof(Header) == kHeader);

[[noreturn]] void refuse_payload(std::string_view payload, std::uint64_t needed) {
  if (image_kind(payload)) {
    throw user_error("an image without the header of an image record, as an augmented manifest is streamed; expected a header of 24 "
                     "bytes before it");
  }
  const bool protobuf = !payload.empty() && (payload[0] == 0x0A || payload[0] == 0x12);
  throw user_error("a payload of {} bytes, expected {} at least by its header{}", payload.size(), needed,
                   protobuf ? "; it looks like a record of recordIO-protobuf (application/x-recordio-protobuf)" : "");
}

void check_labels(const ImageRecord& record) {
  const auto bad = std::find_if_not(record.labels.begin(), record.labels.end(), [](float x) { return std::isfinite(x); });
  if (bad == record.labels.end()) return;
  throw user_error("label {} is {}, expected a finite number", bad - record.labels.begin(), *bad);
}

}  // namespace

std::string place_of(const RecordPlace& place) { return recordio::record_place(place.source, place.record, place.offset); }

ImageRecord parse_image_record(std::string_view payload) {
  Header header;
  if (payload.size() < kHeader) refuse_payload(payload, kHeader);
  std::memcpy(&header, payload.data(), kHeader);
  const std::uint64_t image = kHeader + std::uint64_t{4} * header.flag;
  if (image > payload.size()) refuse_payload(payload, image);
  ImageRecord record;
  record.id = header.id;
  record.vector = header.flag > 0;
  if (record.vector) {
    record.labels.resize(header.flag);
    std::memcpy(record.labels.data(), payload.data() + kHeader, image - kHeader);
  } else {
    record.labels = {header.label};
  }
  check_labels(record);
  record.image = payload.substr(image);
  return record;
}

void append_image_record(std::string& out, const ImageRecord& record) {
  const bool vector = record.vector || record.labels.size() != 1;
  if (vector && record.labels.empty()) throw internal_error("an image record without a label");
  const Header header{vector ? static_cast<std::uint32_t>(record.labels.size()) : 0, vector ? 0 : record.labels[0], record.id, 0};
  std::string payload(reinterpret_cast<const char*>(&header), kHeader);
  if (vector) payload.append(reinterpret_cast<const char*>(record.labels.data()), 4 * record.labels.size());
  payload += record.image;
  recordio::append_frame(out, payload, true);
}

}  // namespace smtrain::formats::image
