// Any bytes are a mask, a label map, a palette, or a user Error; a mask that was read is written, and read as the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "formats/image/mask.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats::image;

namespace {

void masks(std::string_view bytes) {
  Mask mask = decode_mask({bytes.data(), bytes.size()}, 1 << 20);
  if (mask.labels.size() != std::size_t{mask.width} * mask.height || mask.palette.size() > 256) std::abort();
  const Mask again = decode_mask(encode_mask(mask));
  if (again.labels != mask.labels || again.width != mask.width) std::abort();
}

void label_maps(std::string_view text) {
  const LabelMap map = parse_label_map(text, "fuzz");
  for (std::size_t v = 0; v < 256; ++v) {
    if (!map.known[v] && map.label[v] != kHole) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::accepts([&] { masks(text); });
  fuzz::accepts([&] { label_maps(text); });
  fuzz::accepts([&] { (void)parse_palette(text, "fuzz"); });
  return 0;
}
