#include "run/convert/convert_boxes.h"

#include <algorithm>
#include <filesystem>

#include "base/each_index.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/annotation/coco.h"
#include "formats/annotation/service_json.h"
#include "formats/annotation/voc.h"
#include "run/convert/output_folder.h"
#include "run/depfile.h"

namespace smtrain::run {
namespace {

std::size_t count_boxes(const formats::AnnotationSet& set) {
  std::size_t count = 0;
  for (const formats::AnnotatedImage& image : set.images) count += image.boxes.size();
  return count;
}

void warn_of_difficult(const formats::AnnotationSet& set, Console& console) {
  std::size_t count = 0;
  for (const formats::AnnotatedImage& image : set.images) {
    count += static_cast<std::size_t>(std::count_if(image.boxes.begin(), image.boxes.end(), [](const formats::Box& b) { return b.difficult; }));
  }
  if (count > 0) {
    console.warning("boxes that are difficult, or crowds: {} become like any other, since the service's JSON has no word for them; "
                    "--drop-difficult leaves them out", grouped(count));
  }
}

// <filename> is the image's own name; its folder is where the annotation lies.
std::string voc_of(formats::AnnotatedImage image, const formats::ClassNames& classes, formats::VocCorners corners) {
  image.file = std::filesystem::path(image.file).filename().string();
  return formats::voc_xml(image, classes, corners);
}

}  // namespace

void write_boxed_images(const ConvertRequest& request, DataKind to, const formats::AnnotationSet& set, Console& console) {
  if (to == DataKind::boxes) warn_of_difficult(set, console);
  if (to == DataKind::coco) {
    write_document(request.output, formats::coco_json(set));
    return;
  }
  OutputFolder folder(request.output);
  const auto corners = request.boxes.voc_from_zero ? formats::VocCorners::from_zero : formats::VocCorners::from_one;
  each_index(request.common.threads.value, set.images.size(), [&](std::size_t i) {
    const formats::AnnotatedImage& image = set.images[i];
    if (to == DataKind::voc) folder.write(formats::with_suffix(image.file, ".xml"), voc_of(image, set.classes, corners));
    else folder.write(formats::with_suffix(image.file, ".json"), formats::service_json(image, set.classes, true) + "\n");
  });
  folder.commit();
}

void convert_boxes(const ConvertRequest& request, DataKind from, DataKind to, Console& console) {
  const BoxedImages boxed = read_boxed_images(request, from, console);
  write_boxed_images(request, to, boxed.set, console);
  if (request.depfile) write_depfile(*request.depfile, request.output, boxed.read);
  console.info("{}: {} with {} of {}", request.output == "-" ? "standard output" : request.output,
               counted(boxed.set.images.size(), "image"), counted(count_boxes(boxed.set), "box"),
               counted(static_cast<std::uint64_t>(formats::class_count(boxed.set)), "class"));
}

}  // namespace smtrain::run
