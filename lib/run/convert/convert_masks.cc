#include "run/convert/convert_masks.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <optional>

#include "base/each_index.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/annotation/annotation.h"
#include "formats/image/decode.h"
#include "formats/image/mask.h"
#include "formats/image/mask_pairs.h"
#include "run/convert/box_paths.h"
#include "run/convert/convert_manifest.h"
#include "run/convert/manifest_input.h"
#include "run/convert/output_folder.h"
#include "run/depfile.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;
namespace image = formats::image;

constexpr std::size_t kMaxImageBytes = std::size_t{512} << 20;
constexpr std::size_t kMaxSmallFile = std::size_t{16} << 20;

/// What --label-map and --palette say, applied to one mask after the other; thread-safe.
class MaskChange {
 public:
  explicit MaskChange(const BoxOptions& options) {
    if (options.label_map) map_ = image::parse_label_map(read_file(*options.label_map, kMaxSmallFile), *options.label_map);
    if (!options.palette) return;
    if (*options.palette == "none") colors_.emplace();
    else if (*options.palette == "voc") colors_ = image::voc_palette();
    else colors_ = image::parse_palette(read_file(*options.palette, kMaxSmallFile), *options.palette);
  }

  /// The mask of a file's bytes, changed; `of_image`: of the image, which must have its size. Throws user Errors that begin with `place`.
  image::Mask apply(const std::string& bytes, const std::string& place, const std::optional<image::ImageInfo>& of_image) {
    try {
      image::Mask mask = decode(bytes);
      if (of_image && (of_image->width != mask.width || of_image->height != mask.height)) {
        throw user_error("a mask of {} x {}, and its image has {} x {}; expected one size", mask.width, mask.height,
                         of_image->width, of_image->height);
      }
      if (map_) unknown_ += image::apply_label_map(*map_, mask);
      if (colors_) mask.palette = *colors_;
      return mask;
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("{}: {}", place, e.what()));
    }
  }

  void warn(Console& console) const {
    if (unknown_ > 0)
      console.warning("{} had values that the label map does not name and became holes (255)", counted(unknown_, "pixel"));
  }

 private:
  image::Mask decode(const std::string& bytes) const {
    if (colors_ && !colors_->empty() && image::read_image_info(bytes).channels >= 3 && !is_palette(bytes)) {
      image::Pixels pixels;
      image::decode_image(bytes, {}, pixels);
      return image::mask_of_colors(pixels, *colors_);
    }
    return image::decode_mask(bytes);
  }

  // IHDR's colour type; palettes have colours, and are labels all the same.
  static bool is_palette(const std::string& bytes) { return bytes.size() > 25 && bytes[25] == 3; }

  std::optional<image::LabelMap> map_;
  std::optional<std::vector<image::Color>> colors_;  // empty: grey
  std::atomic<std::uint64_t> unknown_ = 0;
};

std::vector<formats::InputFile> mask_files(const std::string& input) { return annotation_files(input, {".png"}, formats::EmptyFiles::kept); }

image::ImageInfo info_of_file(const std::string& path) {
  try {
    return image::read_image_info(read_file(path, kMaxImageBytes));
  } catch (const Error& e) {
    if (std::string_view(e.what()).find(path) != std::string_view::npos) throw;
    throw Error(e.fault(), fmt::format("{}: {}", path, e.what()));
  }
}

void finish(const ConvertRequest& request, std::vector<std::string> read, std::size_t count, const char* what, Console& console) {
  for (const auto& file : {request.boxes.label_map, request.boxes.palette}) {
    std::error_code error;
    if (file && fs::exists(*file, error)) read.push_back(*file);
  }
  if (request.depfile) write_depfile(*request.depfile, request.output, read);
  console.info("{}: {}", request.output == "-" ? "standard output" : request.output, counted(count, what));
}

}  // namespace

void convert_masks(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  const std::vector<formats::InputFile> files = mask_files(request.input);
  std::map<std::string, std::string> images;
  if (request.root) {
    for (const image::MaskPair& pair : image::pair_masks(*request.root, request.input)) images.emplace(pair.mask, pair.image);
  }
  MaskChange change(request.boxes);
  OutputFolder folder(request.output);
  each_index(request.common.threads.value, files.size(), [&](std::size_t i) {
    const auto of_image = images.find(files[i].path);
    const auto info = of_image == images.end() ? std::nullopt : std::optional(info_of_file(of_image->second));
    const std::string name = formats::with_suffix(relative_annotation(request.input, files[i].path), ".png");
    folder.write(name, image::encode_mask(change.apply(read_file(files[i].path, kMaxImageBytes), files[i].name, info)));
  });
  change.warn(console);
  folder.commit();
  std::vector<std::string> read;
  for (const formats::InputFile& file : files) read.push_back(file.path);
  for (const auto& [mask, path] : images) read.push_back(path);
  finish(request, std::move(read), files.size(), "mask", console);
}

void convert_masks_to_manifest(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  if (!request.root)
    throw user_error("{}: a manifest names images and masks; give the folder of the images with --root", request.input);
  std::vector<std::string> names = request.boxes.attribute_names;
  if (names.empty()) names = {"source-ref", "label-ref"};
  formats::check_attribute_names(names);
  if (names.size() != 2 || !names[0].ends_with("-ref") || !names[1].ends_with("-ref"))
    throw user_error("--attribute-names: expected two that end in -ref, the image's and the mask's");
  if (request.boxes.label_map || request.boxes.palette)
    throw user_error("a manifest names masks as they are; convert them to a folder first, with --label-map or --palette");
  std::string text;
  std::vector<std::string> read;
  const std::vector<image::MaskPair> pairs = image::pair_masks(*request.root, request.input);
  for (const image::MaskPair& pair : pairs) {
    const std::string image_name = fs::path(pair.image).lexically_relative(*request.root).string();
    const std::string mask_name = fs::path(pair.mask).lexically_relative(request.input).string();
    const std::vector<std::pair<std::string, std::string>> members = {
        {names[0], json_quoted(manifest_reference(request, pair.image, image_name))},
        {names[1], json_quoted(manifest_reference(request, pair.mask, mask_name))}};
    text += formats::manifest_line(members);
    read.insert(read.end(), {pair.image, pair.mask});
  }
  write_document(request.output, text);
  finish(request, std::move(read), pairs.size(), "line", console);
}

void convert_manifest_to_masks(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  ManifestInput input(request);
  MaskChange change(request.boxes);
  OutputFolder folder(request.output);
  std::size_t count = 0;
  std::vector<std::string> read = input.files();
  std::vector<formats::ManifestLine> lines;
  while (input.reader().next(lines)) {
    for (const formats::ManifestLine& line : lines) {
      (void)input.label_of(line, ManifestLabel::mask);
      read.push_back(input.image_path_of(line));
      read.push_back(input.path_of(line.attributes.back(), line.place));
    }
    each_index(request.common.threads.value, lines.size(), [&](std::size_t i) {
      const formats::ManifestLine& line = lines[i];
      const std::string path = input.image_path_of(line), name = input.image_name_of(path);
      const std::string bytes = read_file(path, kMaxImageBytes);
      folder.write("images/" + name, bytes);
      const std::string mask_path = input.path_of(line.attributes.back(), line.place);
      const image::Mask mask =
          change.apply(read_file(mask_path, kMaxImageBytes), line.place + ": " + mask_path, info_of_file(path));
      folder.write("annotations/" + formats::with_suffix(name, ".png"), image::encode_mask(mask));
    });
    count += lines.size();
  }
  change.warn(console);
  folder.commit();
  finish(request, std::move(read), count, "mask", console);
}

}  // namespace smtrain::run
