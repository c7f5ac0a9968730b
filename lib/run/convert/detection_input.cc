#include "run/convert/detection_input.h"

#include "base/each_index.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/annotation/label_vector.h"
#include "formats/image/image_info.h"
#include "formats/image/image_list.h"
#include "formats/image/image_record_reader.h"
#include "run/convert/box_paths.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kMaxImageBytes = std::size_t{512} << 20;

formats::image::ImageInfo info_of(std::span<const char> bytes, const std::string& place) {
  try {
    return formats::image::read_image_info(bytes);
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", place, e.what()));
  }
}

}  // namespace

formats::AnnotatedImage boxed_image(const std::string& file, std::int64_t width, std::int64_t height,
                                    const std::vector<float>& labels, const std::string& place, formats::BoxNotes& notes) {
  formats::AnnotatedImage image{file, width, height, {}};
  if (!formats::may_be_detection(labels)) {
    throw user_error(
        "{}: {} of an image that are no boxes; expected A, B, and B numbers for each object, as detection lists them", place,
        counted(labels.size(), "label"));
  }
  for (const formats::FractionBox& fraction : formats::parse_label_vector(labels, place, notes)) {
    formats::Box box = formats::box_in_pixels(fraction, width, height);
    if (formats::settle_box(box, image, [&] { return place; }, notes)) image.boxes.push_back(box);
  }
  return image;
}

BoxedImages read_list_boxes(const ConvertRequest& request, Log& log) {
  formats::image::ImageListReader reader(annotation_files(request.input, {".lst"}, formats::EmptyFiles::left_out), request.common.threads.value);
  const std::string root = list_root(request);
  BoxedImages out;
  std::vector<formats::image::PlacedImage> lines;
  for (formats::image::PlacedImage line; reader.next(line);) lines.push_back(std::move(line));
  reader.check_unique();
  out.paths.resize(lines.size());
  out.set.images.resize(lines.size());
  std::vector<formats::BoxNotes> notes(lines.size());
  each_index(request.common.threads.value, lines.size(), [&](std::size_t i) {
    const std::string place = place_of(lines[i]);
    try {
      out.paths[i] = formats::image::path_below(root, lines[i].image.path);
      const formats::image::ImageInfo info = formats::image::read_image_info(read_file(out.paths[i], kMaxImageBytes));
      out.set.images[i] = boxed_image(lines[i].image.path, info.width, info.height, lines[i].image.labels, place, notes[i]);
    } catch (const Error& e) {
      if (std::string_view(e.what()).starts_with(place)) throw;
      throw Error(e.fault(), fmt::format("{}: {}", place, e.what()));
    }
  });
  formats::BoxNotes all;
  for (const formats::BoxNotes& note : notes) all.add(note);
  all.warn(log);
  for (const formats::InputFile& file : reader.team().files()) out.read.push_back(file.path);
  out.read.insert(out.read.end(), out.paths.begin(), out.paths.end());
  return out;
}

BoxedImages read_record_boxes(const ConvertRequest& request, Log& log, const TakeImage& take) {
  formats::image::ImageRecordReader reader(annotation_files(request.input, {".rec"}, formats::EmptyFiles::left_out), request.common.threads.value, log);
  BoxedImages out;
  formats::BoxNotes notes;
  for (formats::image::PlacedRecord placed; reader.next(placed);) {
    const std::string place = place_of(placed.place);
    const formats::image::ImageInfo info = info_of(placed.record.image, place);
    const std::string name = fmt::format("{:08}{}", placed.record.id, suffix_of(info.kind));
    out.set.images.push_back(boxed_image(name, info.width, info.height, placed.record.labels, place, notes));
    out.paths.push_back(name);
    take(name, placed.record.image);
  }
  notes.warn(log);
  if (out.set.images.empty()) throw user_error("{}: holds no record", request.input);
  for (const formats::InputFile& file : reader.team().files()) out.read.push_back(file.path);
  return out;
}

}  // namespace smtrain::run
