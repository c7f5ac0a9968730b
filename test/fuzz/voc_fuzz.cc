// Any bytes are a VOC annotation or a user Error; one that was read is written, and read as the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "formats/annotation/voc.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

VocImage read(std::string_view text, VocCorners corners) {
  VocImage voc = parse_voc(text, "fuzz", corners);
  BoxNotes notes;
  if (voc.image.width > 0) settle_voc(voc, "fuzz", notes);
  for (std::size_t i = 0; i < voc.names.size(); ++i) voc.image.boxes[i].class_id = static_cast<std::int64_t>(i);
  return voc;
}

void round_trip(std::string_view text, VocCorners corners) {
  const VocImage first = read(text, corners);
  if (first.image.boxes.size() != first.names.size()) std::abort();
  ClassNames names;
  for (std::size_t i = 0; i < first.names.size(); ++i) names.emplace(static_cast<std::int64_t>(i), first.names[i]);
  const VocImage again = read(voc_xml(first.image, names, corners), corners);
  // Corners are sums of what is kept, and a sum of doubles is rounded.
  if (again.names != first.names || again.image.file != first.image.file || again.image.width != first.image.width) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  for (const VocCorners corners : {VocCorners::from_one, VocCorners::from_zero}) {
    fuzz::accepts([&] { round_trip(text, corners); });
  }
  return 0;
}
