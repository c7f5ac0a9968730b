#include "run/convert/convert_manifest.h"

#include <algorithm>
#include <filesystem>

#include "base/each_index.h"
#include "base/error.h"
#include "base/text.h"
#include "formats/annotation/label_vector.h"
#include "formats/annotation/service_json.h"
#include "formats/image/image_folder.h"
#include "formats/image/image_info.h"
#include "formats/image/image_list.h"
#include "run/convert/box_paths.h"
#include "run/convert/boxed_images.h"
#include "run/convert/detection_input.h"
#include "run/convert/image_supply.h"
#include "run/convert/manifest_input.h"
#include "run/convert/output_folder.h"
#include "run/depfile.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

using Member = std::pair<std::string, std::string>;

// Names of image and label: those of --attribute-names, else the service's.
std::pair<std::string, std::string> attribute_names(const ConvertRequest& request, const std::string& label) {
  const std::vector<std::string>& given = request.boxes.attribute_names;
  if (given.empty()) return {"source-ref", label};
  formats::check_attribute_names(given);
  if (given.size() != 2)
    throw user_error("--attribute-names: {} names, expected two: the image's, then the label's", given.size());
  if (!given[0].ends_with("-ref"))
    throw user_error("--attribute-names: {} does not end in -ref, as the image's must", smtrain::quoted(given[0]));
  if (given[1].ends_with("-ref"))
    throw user_error("--attribute-names: {} ends in -ref, which would make the label a file", smtrain::quoted(given[1]));
  return {given[0], given[1]};
}

std::string class_map(const formats::ClassNames& classes) {
  std::string out = "{\"class-map\":{";
  bool first = true;
  for (const auto& [id, name] : classes) {
    out += fmt::format("{}\"{}\":{}", first ? "" : ",", id, json_quoted(name));
    first = false;
  }
  return out + "},\"type\":\"groundtruth/object-detection\"}";
}

std::string boxes_line(const ConvertRequest& request, const BoxedImages& boxed, std::size_t i, const std::string& metadata) {
  const auto [image_name, label_name] = attribute_names(request, "bounding-box");
  const formats::AnnotatedImage& image = boxed.set.images[i];
  std::vector<Member> members = {{image_name, json_quoted(manifest_reference(request, boxed.paths[i], image.file))},
                                 {label_name, formats::service_json(image, {}, false)}};
  if (!boxed.set.classes.empty()) members.emplace_back(label_name + "-metadata", metadata);
  return formats::manifest_line(members);
}

void write_boxes_manifest(const ConvertRequest& request, const BoxedImages& boxed, Console& console) {
  std::string text;
  const std::string metadata = class_map(boxed.set.classes);
  for (std::size_t i = 0; i < boxed.set.images.size(); ++i) text += boxes_line(request, boxed, i, metadata);
  write_document(request.output, text);
  if (request.depfile) write_depfile(*request.depfile, request.output, boxed.read);
  console.info("{}: {}", request.output == "-" ? "standard output" : request.output, counted(boxed.set.images.size(), "line"));
}

// "3", "[0, 2]": as the service's own examples have them, strings.
std::string class_text(const std::vector<float>& labels, const std::string& place) {
  std::string text;
  for (const float label : labels) {
    if (!(label >= 0 && label <= static_cast<float>(formats::kMaxClassId)) ||
        label != static_cast<float>(static_cast<std::int64_t>(label)))
      throw user_error("{}: label {}, expected a class from 0", place, label);
    text += (text.empty() ? "" : ", ") + std::to_string(static_cast<std::int64_t>(label));
  }
  return json_quoted(labels.size() == 1 ? text : "[" + text + "]");
}

std::vector<formats::image::PlacedImage> lines_of(formats::image::ImageListReader& reader) {
  std::vector<formats::image::PlacedImage> lines;
  for (formats::image::PlacedImage line; reader.next(line);) lines.push_back(std::move(line));
  reader.check_unique();
  return lines;
}

}  // namespace

std::string manifest_reference(const ConvertRequest& request, const std::string& path, const std::string& name) {
  if (request.boxes.reference_prefix) return formats::reference_to(name, *request.boxes.reference_prefix);
  const fs::path file = fs::absolute(path).lexically_normal();
  if (request.output == "-") return file.string();
  const fs::path folder = fs::absolute(request.output).lexically_normal().parent_path();
  const fs::path relative = file.lexically_relative(folder);
  return relative.empty() ? file.string() : relative.string();
}

void convert_boxes_to_manifest(const ConvertRequest& request, DataKind from, DataKind, Console& console) {
  write_boxes_manifest(request, read_boxed_images(request, from, console), console);
}

void convert_list_to_manifest(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  formats::image::ImageListReader reader(annotation_files(request.input, {".lst"}, formats::EmptyFiles::left_out), request.common.threads.value);
  const std::vector<formats::image::PlacedImage> lines = lines_of(reader);
  if (lines.empty()) throw user_error("{}: lists no image", request.input);
  if (formats::may_be_detection(lines[0].image.labels))
    return write_boxes_manifest(request, read_list_boxes(request, console), console);
  const std::string root = list_root(request);
  const auto [image_name, label_name] = attribute_names(request, "class");
  std::string text;
  for (const formats::image::PlacedImage& line : lines) {
    const std::string path = formats::image::path_below(root, line.image.path);
    const std::vector<Member> members = {{image_name, json_quoted(manifest_reference(request, path, line.image.path))},
                                         {label_name, class_text(line.image.labels, place_of(line))}};
    text += formats::manifest_line(members);
  }
  write_document(request.output, text);
  if (request.depfile) {
    std::vector<std::string> read;
    for (const formats::InputFile& file : reader.team().files()) read.push_back(file.path);
    write_depfile(*request.depfile, request.output, read);
  }
  console.info("{}: {}", request.output == "-" ? "standard output" : request.output, counted(lines.size(), "line"));
}

void convert_folder_to_manifest(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  const formats::image::ImageFolder folder = formats::image::list_image_folder(request.input);
  refuse_empty_images(folder);
  const auto [image_name, label_name] = attribute_names(request, "class");
  std::string text;
  std::vector<std::string> read;
  for (const std::uint64_t i : listing_order(folder.images.size(), !request.images.no_shuffle, request.common.seed.value)) {
    const formats::image::ImageFolder::Image& image = folder.images[i];
    read.push_back(formats::image::path_below(folder.root, image.path));
    const std::vector<Member> members = {
        {image_name, json_quoted(manifest_reference(request, read.back(), image.path))},
        {label_name, fmt::format("\"{}\"", image.label)},
        {label_name + "-metadata", fmt::format("{{\"class-name\":{},\"type\":\"groundtruth/image-classification\"}}",
                                               json_quoted(folder.classes[image.label]))}};
    text += formats::manifest_line(members);
  }
  write_document(request.output, text);
  if (request.depfile) write_depfile(*request.depfile, request.output, read);
  console.info("{}: {} of {}", request.output == "-" ? "standard output" : request.output, counted(folder.images.size(), "line"),
               counted(folder.classes.size(), "class"));
}

void convert_manifest_to_list(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  ManifestInput input(request);
  std::string text;
  formats::BoxNotes notes;
  std::uint64_t index = 0, empty = 0;
  std::vector<formats::ManifestLine> lines;
  while (input.reader().next(lines)) {
    for (const formats::ManifestLine& line : lines) {
      const std::optional<std::vector<float>> labels = labels_of(line, notes).labels;
      if (!labels) ++empty;
      else formats::image::append_list_line(text, {index, *labels, input.image_name_of(input.image_path_of(line))});
      ++index;
    }
  }
  notes.warn(console);
  if (empty > 0) console.warning("{} without a box left out: a label vector has at least one", counted(empty, "image"));
  write_document(request.output, text);
  if (request.depfile) write_depfile(*request.depfile, request.output, input.files());
  console.info("{}: {}", request.output == "-" ? "standard output" : request.output, counted(index - empty, "image"));
}

std::string manifest_line_of(const ConvertRequest& request, const SuppliedImage& image, const std::string& name, formats::BoxNotes& notes) {
  const bool boxes = formats::may_be_detection(image.record.labels);
  const auto [image_name, label_name] = attribute_names(request, boxes ? "bounding-box" : "class");
  const std::optional<std::string>& prefix = request.boxes.reference_prefix;
  std::string label;
  if (boxes) {
    const formats::image::ImageInfo info = formats::image::read_image_info(image.record.image);
    label = formats::service_json(boxed_image(name, info.width, info.height, image.record.labels, image.place, notes), {}, false);
  } else {
    label = class_text(image.record.labels, image.place);
  }
  const std::vector<Member> members = {{image_name, json_quoted(prefix ? formats::reference_to(name, *prefix) : name)}, {label_name, label}};
  return formats::manifest_line(members);
}

}  // namespace smtrain::run
