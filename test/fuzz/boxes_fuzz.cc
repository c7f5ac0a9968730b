// Any bytes are boxes as JSON, a COCO document, or a user Error; what was read is written, and read as the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "formats/annotation/coco.h"
#include "formats/annotation/label_vector.h"
#include "formats/annotation/service_json.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

void check_boxes(const AnnotatedImage& image) {
  for (const Box& box : image.boxes) {
    if (!(box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0)) std::abort();
    if (box.left + box.width > static_cast<double>(image.width) + 1e-6) std::abort();
    if (box.class_id < 0 || box.class_id > kMaxClassId) std::abort();
  }
}

// The sides of a box that was clipped may round to a hair beyond the image, or to nothing.
bool alike(const AnnotatedImage& a, const AnnotatedImage& b) {
  return a.file == b.file && a.width == b.width && a.height == b.height && b.boxes.size() <= a.boxes.size();
}

void service(std::string_view text) {
  const ServiceJson read = parse_service_json(text, "fuzz", true);
  check_boxes(read.image);
  if (!alike(read.image, parse_service_json(service_json(read.image, read.classes, true), "again", true).image)) std::abort();
}

void coco(std::string_view text) {
  const AnnotationSet set = parse_coco(text, "fuzz").set;
  for (const AnnotatedImage& image : set.images) check_boxes(image);
  const AnnotationSet again = parse_coco(coco_json(set), "again").set;
  if (again.images.size() != set.images.size() || again.classes.size() < set.classes.size()) std::abort();
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    if (!alike(set.images[i], again.images[i])) std::abort();
  }
}

void labels(std::string_view bytes) {
  std::vector<float> numbers(bytes.size() / sizeof(float));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(float));
  BoxNotes notes;
  for (const FractionBox& box : parse_label_vector(numbers, "fuzz", notes)) {
    if (!(box.xmin >= 0 && box.xmax <= 1 && box.ymin >= 0 && box.ymax <= 1)) std::abort();
    const Box pixels = box_in_pixels(box, 640, 480);
    if (!(pixels.width >= 0 && pixels.height >= 0)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::accepts([&] { service(text); });
  fuzz::accepts([&] { coco(text); });
  fuzz::accepts([&] { labels(text); });
  return 0;
}
