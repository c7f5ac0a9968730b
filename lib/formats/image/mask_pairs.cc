#include "formats/image/mask_pairs.h"

#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "formats/image/image_info.h"
#include "formats/io/input_files.h"

namespace smtrain::formats::image {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> by_base_name(const std::string& folder, bool masks) {
  std::map<std::string, std::string> found;
  for (const InputFile& file : expand_path(folder, EmptyFiles::kept)) {
    if (!has_image_suffix(file.path) || (masks && to_lower(fs::path(file.path).extension().string()) != ".png")) continue;
    const auto [at, added] = found.emplace(fs::path(file.path).stem().string(), file.path);
    if (!added)
      throw user_error("{}: has the base name of {}; only the base name tells which mask is whose", file.path, at->second);
  }
  if (found.empty()) throw user_error("{}: holds no {}", folder, masks ? "mask (.png)" : "image (.jpg, .jpeg or .png)");
  return found;
}

}  // namespace

std::vector<MaskPair> pair_masks(const std::string& images, const std::string& masks) {
  const std::map<std::string, std::string> of_images = by_base_name(images, false);
  std::map<std::string, std::string> of_masks = by_base_name(masks, true);
  std::vector<MaskPair> pairs;
  for (const auto& [name, path] : of_images) {
    const auto mask = of_masks.find(name);
    if (mask == of_masks.end()) throw user_error("{}: there is no mask {}.png in {}", path, name, masks);
    pairs.push_back({name, path, mask->second});
    of_masks.erase(mask);
  }
  if (!of_masks.empty())
    throw user_error("{}: there is no image {}.jpg in {}", of_masks.begin()->second, of_masks.begin()->first, images);
  return pairs;
}

}  // namespace smtrain::formats::image
