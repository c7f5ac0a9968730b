#include "run/convert/convert_boxes.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/each_index.h"
#include "base/error.h"
#include "base/text.h"
#include "formats/annotation/coco.h"
#include "formats/annotation/label_vector.h"
#include "formats/annotation/service_json.h"
#include "formats/annotation/voc.h"
#include "formats/image/image_list.h"
#include "run/convert/boxed_images.h"
#include "run/convert/detection_input.h"
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
    count += static_cast<std::size_t>(
        std::count_if(image.boxes.begin(), image.boxes.end(), [](const formats::Box& b) { return b.difficult; }));
  }
  if (count > 0) {
    console.warning(
        "boxes that are difficult, or crowds: {} become like any other, since the service's JSON has no word for them; "
        "--drop-difficult leaves them out",
        grouped(count));
  }
}

// <filename> is the image's own name; its folder is where the annotation lies.
std::string voc_of(formats::AnnotatedImage image, const formats::ClassNames& classes, formats::VocCorners corners) {
  image.file = std::filesystem::path(image.file).filename().string();
  return formats::voc_xml(image, classes, corners);
}

void write_annotations(const ConvertRequest& request, DataKind to, const formats::AnnotationSet& set, const std::string& below,
                       OutputFolder& folder) {
  const auto corners = request.boxes.voc_from_zero ? formats::VocCorners::from_zero : formats::VocCorners::from_one;
  each_index(request.common.threads.value, set.images.size(), [&](std::size_t i) {
    const formats::AnnotatedImage& image = set.images[i];
    if (to == DataKind::voc) folder.write(below + formats::with_suffix(image.file, ".xml"), voc_of(image, set.classes, corners));
    else folder.write(below + formats::with_suffix(image.file, ".json"), formats::service_json(image, set.classes, true) + "\n");
  });
}

void report(const ConvertRequest& request, const BoxedImages& boxed, Console& console) {
  if (request.depfile) write_depfile(*request.depfile, request.output, boxed.read);
  console.info("{}: {} with {} of {}", request.output == "-" ? "standard output" : request.output,
               counted(boxed.set.images.size(), "image"), counted(count_boxes(boxed.set), "box"),
               counted(static_cast<std::uint64_t>(formats::class_count(boxed.set)), "class"));
}

// Lists and records name no classes.
void name_classes(const ConvertRequest& request, BoxedImages& boxed) {
  if (!request.boxes.classes_file) return;
  use_class_names(boxed.set, read_class_names(*request.boxes.classes_file), *request.boxes.classes_file);
  boxed.read.push_back(*request.boxes.classes_file);
}

}  // namespace

void convert_boxes(const ConvertRequest& request, DataKind from, DataKind to, Console& console) {
  BoxedImages boxed =
      from == DataKind::image_list ? read_list_boxes(request, console) : read_boxed_images(request, from, console);
  if (from == DataKind::image_list) name_classes(request, boxed);
  if (to == DataKind::boxes) warn_of_difficult(boxed.set, console);
  if (to == DataKind::coco) {
    write_document(request.output, formats::coco_json(boxed.set));
  } else {
    OutputFolder folder(request.output);
    write_annotations(request, to, boxed.set, "", folder);
    folder.commit();
  }
  report(request, boxed, console);
}

void convert_records_to_boxes(const ConvertRequest& request, DataKind, DataKind to, Console& console) {
  std::optional<OutputFolder> folder;
  if (to != DataKind::coco) folder.emplace(request.output);
  BoxedImages boxed = read_record_boxes(request, console, [&](const std::string& name, const std::string& bytes) {
    if (folder) folder->write("images/" + name, bytes);
  });
  name_classes(request, boxed);
  check_unique_images(boxed.set);
  if (folder) {
    if (to == DataKind::boxes) warn_of_difficult(boxed.set, console);
    write_annotations(request, to, boxed.set, "annotations/", *folder);
    folder->commit();
  } else {
    write_document(request.output, formats::coco_json(boxed.set));
    console.info("the images stay in {}; to a folder (--to voc or --to boxes) they are written, too", request.input);
  }
  report(request, boxed, console);
}

void convert_boxes_to_list(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  const BoxedImages boxed = read_boxed_images(request, from, console);
  std::string text;
  std::size_t empty = 0;
  for (std::size_t i = 0; i < boxed.set.images.size(); ++i) {
    const formats::AnnotatedImage& image = boxed.set.images[i];
    if (image.boxes.empty()) {
      ++empty;
      continue;
    }
    formats::image::append_list_line(text, {i, formats::label_vector(image, false), image.file});
  }
  if (empty > 0) console.warning("{} without a box left out: a label vector has at least one", counted(empty, "image"));
  write_document(request.output, text);
  report(request, boxed, console);
}

}  // namespace smtrain::run
