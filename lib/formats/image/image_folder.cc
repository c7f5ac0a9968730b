#include "formats/image/image_folder.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "formats/image/image_info.h"
#include "formats/io/input_files.h"

namespace smtrain::formats::image {
namespace {

namespace fs = std::filesystem;

struct Found {
  std::string folder, name;
  bool empty;
  std::string path() const { return folder.empty() ? name : folder + '/' + name; }
};

// A separator that is less than any byte of a name puts a folder before its own folders, and these before its neighbours.
std::string order_of(std::string folder) {
  std::replace(folder.begin(), folder.end(), '/', '\0');
  return folder;
}

std::vector<Found> find_images(const std::string& root) {
  std::vector<Found> found;
  for (const InputFile& file : expand_path(root, EmptyFiles::kept)) {
    if (!has_image_suffix(file.path)) continue;
    const fs::path path = fs::path(file.path).lexically_relative(root);
    found.push_back({path.parent_path().string(), path.filename().string(), file.size == 0});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return a.folder == b.folder ? a.name < b.name : order_of(a.folder) < order_of(b.folder);
  });
  return found;
}

}  // namespace

ImageFolder list_image_folder(const std::string& root) {
  ImageFolder folder{root, {}, {}};
  for (const Found& found : find_images(root)) {
    if (folder.classes.empty() || folder.classes.back() != found.folder) folder.classes.push_back(found.folder);
    folder.images.push_back({found.path(), static_cast<std::uint32_t>(folder.classes.size() - 1), found.empty});
  }
  if (folder.images.empty()) throw user_error("{}: the folder holds no image, expected .jpg, .jpeg or .png files", root);
  return folder;
}

void refuse_empty_images(const ImageFolder& folder) {
  for (const ImageFolder::Image& image : folder.images) {
    if (image.empty) throw user_error("{}: is an empty file, expected an image; remove it, or copy it again", (fs::path(folder.root) / image.path).string());
  }
}

}  // namespace smtrain::formats::image
