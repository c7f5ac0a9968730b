#include "run/convert/boxed_images.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/each_index.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/annotation/coco.h"
#include "formats/annotation/service_json.h"
#include "formats/annotation/voc.h"
#include "formats/image/image_info.h"
#include "formats/io/byte_stream.h"
#include "formats/text/lines.h"
#include "run/convert/box_paths.h"
#include "run/convert/manifest_input.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxServiceJson = std::size_t{256} << 20;
constexpr std::size_t kMaxCoco = std::size_t{4} << 30;  // simdjson takes no more
constexpr std::size_t kMaxImageBytes = std::size_t{512} << 20;
constexpr std::size_t kMaxClassFile = std::size_t{64} << 20;

formats::image::ImageInfo info_of(const std::string& path) {
  try {
    return formats::image::read_image_info(read_file(path, kMaxImageBytes));
  } catch (const Error& e) {
    if (std::string_view(e.what()).find(path) != std::string_view::npos) throw;
    throw Error(e.fault(), fmt::format("{}: {}", path, e.what()));
  }
}

BoxedImages read_service(const ConvertRequest& request, formats::BoxNotes& notes) {
  const std::vector<formats::InputFile> files = annotation_files(request.input, {".json"}, formats::EmptyFiles::kept);
  const std::string root = image_root(request);
  std::vector<formats::ServiceJson> parsed(files.size());
  each_index(request.common.threads.value, files.size(), [&](std::size_t i) {
    parsed[i] = formats::parse_service_json(formats::read_bytes(files[i], kMaxServiceJson), files[i].name, true);
  });
  BoxedImages out;
  for (std::size_t i = 0; i < files.size(); ++i) {
    formats::add_class_names(out.set.classes, parsed[i].classes, files[i].name);
    notes.add(parsed[i].notes);
    out.paths.push_back(image_path(root, parsed[i].image.file, relative_annotation(request.input, files[i].path)));
    out.read.push_back(files[i].path);
    out.set.images.push_back(std::move(parsed[i].image));
  }
  return out;
}

// Ids of classes that have names only.
formats::ClassNames numbered(const std::set<std::string>& names) {
  formats::ClassNames classes;
  for (const std::string& name : names) classes.emplace(static_cast<std::int64_t>(classes.size()), name);
  return classes;
}

void number_classes(const std::vector<formats::VocImage>& parsed, formats::AnnotationSet& set) {
  std::set<std::string> names;
  for (const formats::VocImage& voc : parsed) names.insert(voc.names.begin(), voc.names.end());
  set.classes = numbered(names);
  std::map<std::string, std::int64_t> ids;
  for (const auto& [id, name] : set.classes) ids.emplace(name, id);
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    for (std::size_t b = 0; b < parsed[i].names.size(); ++b) set.images[i].boxes[b].class_id = ids.at(parsed[i].names[b]);
  }
}

BoxedImages read_voc(const ConvertRequest& request, formats::BoxNotes& notes) {
  const std::vector<formats::InputFile> files = annotation_files(request.input, {".xml"}, formats::EmptyFiles::kept);
  const std::string root = image_root(request);
  const auto corners = request.boxes.voc_from_zero ? formats::VocCorners::from_zero : formats::VocCorners::from_one;
  std::vector<formats::VocImage> parsed(files.size());
  std::vector<formats::BoxNotes> file_notes(files.size());
  BoxedImages out;
  out.paths.resize(files.size());
  std::vector<char> asked(files.size(), 0);
  each_index(request.common.threads.value, files.size(), [&](std::size_t i) {
    parsed[i] = formats::parse_voc(formats::read_bytes(files[i], formats::kMaxVocBytes), files[i].name, corners);
    formats::AnnotatedImage& image = parsed[i].image;
    // <filename> has no folder of its own by the challenge's rules; the image lies where the annotation does.
    const std::string annotation = relative_annotation(request.input, files[i].path);
    const fs::path folder = fs::path(annotation).parent_path(), file = fs::path(image.file).lexically_normal();
    image.file = (file.parent_path() == folder ? file : folder / file).string();
    out.paths[i] = image_path(root, image.file, annotation);
    if (image.width == 0) {
      std::error_code error;
      if (!fs::exists(out.paths[i], error)) {
        throw user_error(
            "{}: does not say how large its image is, and there is no image {}; give the folder of the images with --root",
            files[i].name, smtrain::quoted(out.paths[i], 4096));
      }
      const formats::image::ImageInfo info = info_of(out.paths[i]);
      image.width = info.width;
      image.height = info.height;
      asked[i] = 1;
    }
    formats::settle_voc(parsed[i], files[i].name, file_notes[i]);
  });
  for (std::size_t i = 0; i < files.size(); ++i) {
    notes.add(file_notes[i]);
    out.read.push_back(files[i].path);
    if (asked[i] != 0) out.read.push_back(out.paths[i]);
    out.set.images.push_back(parsed[i].image);
  }
  number_classes(parsed, out.set);
  return out;
}

BoxedImages read_coco(const ConvertRequest& request, formats::BoxNotes& notes) {
  const std::vector<formats::InputFile> files = formats::expand_path(request.input);
  if (files.size() != 1) throw user_error("{}: {}, expected one document of COCO", request.input, counted(files.size(), "file"));
  formats::CocoSet coco = formats::parse_coco(formats::read_bytes(files[0], kMaxCoco), files[0].name);
  notes = coco.notes;
  const std::string root = image_root(request);
  BoxedImages out;
  out.set = std::move(coco.set);
  for (const formats::AnnotatedImage& image : out.set.images) out.paths.push_back(image_path(root, image.file, image.file));
  out.read.push_back(files[0].path);
  return out;
}

// A manifest's boxes have no "file": the image is the one that the line refers to.
BoxedImages read_manifest(const ConvertRequest& request, formats::BoxNotes& notes) {
  BoxedImages out;
  ManifestInput input(request);
  std::vector<formats::ManifestLine> lines;
  while (input.reader().next(lines)) {
    for (const formats::ManifestLine& line : lines) {
      formats::ServiceJson parsed = formats::parse_service_json(input.label_of(line, ManifestLabel::boxes), line.place, false);
      formats::add_class_names(out.set.classes, formats::class_map_of(line), line.place);
      formats::add_class_names(out.set.classes, parsed.classes, line.place);
      notes.add(parsed.notes);
      out.paths.push_back(input.image_path_of(line));
      parsed.image.file = input.image_name_of(out.paths.back());
      out.set.images.push_back(std::move(parsed.image));
    }
  }
  out.read = input.files();
  return out;
}

void drop_difficult(formats::AnnotationSet& set, Log& log) {
  std::size_t dropped = 0;
  for (formats::AnnotatedImage& image : set.images)
    dropped += std::erase_if(image.boxes, [](const formats::Box& box) { return box.difficult; });
  if (dropped > 0) log.info("{} left out: difficult, or crowds", counted(dropped, "box"));
}

}  // namespace

formats::ClassNames read_class_names(const std::string& path) {
  formats::ClassNames classes;
  std::map<std::string, std::uint64_t> seen;
  const std::string text = read_file(path, kMaxClassFile);
  std::uint64_t number = 0;
  std::string_view rest = formats::without_bom(text);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string name(trim(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    // A blank line in the middle would shift every id after it without a word.
    if (name.empty() && trim(rest).empty()) break;
    if (name.empty()) throw user_error("{}:{}: an empty line, expected the name of class {}", path, number, number - 1);
    const auto [at, added] = seen.emplace(name, number);
    if (!added) throw user_error("{}:{}: {} is the name of line {}, too", path, number, smtrain::quoted(name), at->second);
    classes.emplace(static_cast<std::int64_t>(classes.size()), name);
  }
  if (classes.empty()) throw user_error("{}: names no class; expected a name on each line", path);
  return classes;
}

void use_class_names(formats::AnnotationSet& set, const formats::ClassNames& names, const std::string& path) {
  std::map<std::string, std::int64_t> ids;
  for (const auto& [id, name] : names) ids.emplace(name, id);
  const auto id_in_file = [&](std::int64_t id) {
    const auto own = set.classes.find(id);
    if (own != set.classes.end()) {
      const auto found = ids.find(own->second);
      if (found != ids.end()) return found->second;
      throw user_error("class {} is not in {}, which names {}", smtrain::quoted(own->second), path,
                       counted(names.size(), "class"));
    }
    if (names.contains(id)) return id;
    throw user_error("class {} is not in {}, which names {}", id, path, counted(names.size(), "class"));
  };
  std::unordered_map<std::int64_t, std::int64_t> known;
  for (formats::AnnotatedImage& image : set.images) {
    for (formats::Box& box : image.boxes) {
      const auto [at, added] = known.emplace(box.class_id, 0);
      if (added) at->second = id_in_file(box.class_id);
      box.class_id = at->second;
    }
  }
  set.classes = names;
}

void check_image_sizes(BoxedImages& boxed, int threads) {
  each_index(threads, boxed.paths.size(), [&](std::size_t i) {
    const formats::AnnotatedImage& image = boxed.set.images[i];
    std::error_code error;
    if (!fs::exists(boxed.paths[i], error)) {
      throw user_error("{}: there is no image {}; give the folder of the images with --root", smtrain::quoted(image.file),
                       smtrain::quoted(boxed.paths[i], 4096));
    }
    const formats::image::ImageInfo info = info_of(boxed.paths[i]);
    if (info.width == image.width && info.height == image.height) return;
    const bool turned = info.orientation > 4 && info.width == image.height && info.height == image.width;
    throw user_error(
        "{}: the annotation says {} x {}, and the image {} has {} x {}{}", smtrain::quoted(image.file), image.width, image.height,
        smtrain::quoted(boxed.paths[i], 4096), info.width, info.height,
        turned ? "; its EXIF orientation turns it when it is shown: store it turned, or annotate it as it lies" : "");
  });
  boxed.sizes_checked = true;
}

void check_unique_images(const formats::AnnotationSet& set) {
  std::set<std::string_view> names;
  for (const formats::AnnotatedImage& image : set.images) {
    if (!names.insert(image.file).second)
      throw user_error("two annotations are of the image {}", smtrain::quoted(image.file, 4096));
  }
}

BoxedImages read_boxed_images(const ConvertRequest& request, DataKind kind, Log& log) {
  formats::BoxNotes notes;
  BoxedImages boxed = kind == DataKind::boxes  ? read_service(request, notes)
                      : kind == DataKind::voc  ? read_voc(request, notes)
                      : kind == DataKind::coco ? read_coco(request, notes)
                                               : read_manifest(request, notes);
  notes.warn(log);
  check_unique_images(boxed.set);
  if (request.boxes.classes_file) {
    use_class_names(boxed.set, read_class_names(*request.boxes.classes_file), *request.boxes.classes_file);
    boxed.read.push_back(*request.boxes.classes_file);
  } else if (kind == DataKind::voc) {
    log.info("classes are numbered in the order of their names, from 0 = {}; --classes FILE fixes them",
             formats::class_name(boxed.set.classes, 0));
  }
  if (request.boxes.drop_difficult) drop_difficult(boxed.set, log);
  if (request.root) check_image_sizes(boxed, request.common.threads.value);
  return boxed;
}

}  // namespace smtrain::run
