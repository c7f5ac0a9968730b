#include "run/convert/image_supply.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "formats/io/input_files.h"
#include "run/convert/box_supply.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

// What lies beside records and lists is neither.
std::vector<formats::InputFile> files_ending_in(const std::string& input, const std::vector<std::string>& suffixes) {
  std::vector<formats::InputFile> files = formats::expand_path(input);
  if (files.size() == 1) return files;
  std::erase_if(files, [&](const formats::InputFile& file) {
    return std::none_of(suffixes.begin(), suffixes.end(), [&](const std::string& suffix) { return file.path.ends_with(suffix); });
  });
  if (files.empty()) throw user_error("{}: no file there ends in {}", input, fmt::join(suffixes, ", "));
  return files;
}

// Where the list lies, lie the images, unless --root says where.
std::string root_of(const ConvertRequest& request) {
  if (request.root) return *request.root;
  const fs::path folder = fs::is_directory(request.input) ? fs::path(request.input) : fs::path(request.input).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

std::vector<std::uint64_t> listing_order(std::size_t images, bool shuffled, std::uint64_t seed) {
  return formats::image::image_order(images, shuffled, seed, "image list");
}

std::unique_ptr<ImageSupply> open_image_supply(const ConvertRequest& request, DataKind from, Log& log) {
  if (auto supply = open_box_supply(request, from, log)) return supply;
  if (from == DataKind::image_folder) {
    formats::image::ImageFolder folder = formats::image::list_image_folder(request.input);
    const std::size_t images = folder.images.size();
    return open_image_folder(std::move(folder), listing_order(images, !request.images.no_shuffle, request.common.seed.value));
  }
  if (from == DataKind::image_list) {
    return formats::image::open_image_lists(files_ending_in(request.input, {".lst", ".lst.gz", ".lst.zst"}), root_of(request));
  }
  return formats::image::open_image_records(files_ending_in(request.input, {".rec", ".rec.gz", ".rec.zst"}), log);
}

}  // namespace smtrain::run
