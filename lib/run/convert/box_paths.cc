#include "run/convert/box_paths.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

std::string_view without_compression(std::string_view path) {
  for (const std::string_view suffix : {".gz", ".zst"}) {
    if (path.ends_with(suffix)) return path.substr(0, path.size() - suffix.size());
  }
  return path;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

}  // namespace

std::vector<formats::InputFile> annotation_files(const std::string& input, const std::vector<std::string_view>& suffixes,
                                                  formats::EmptyFiles empty) {
  std::vector<formats::InputFile> files = formats::expand_path(input, empty);
  if (!is_folder(input) && files.size() == 1) return files;
  std::erase_if(files, [&](const formats::InputFile& file) {
    const std::string path = to_lower(without_compression(file.path));
    return std::none_of(suffixes.begin(), suffixes.end(), [&](std::string_view suffix) { return path.ends_with(suffix); });
  });
  if (files.empty()) throw user_error("{}: holds no file that ends in {}", input, fmt::join(suffixes, " or "));
  for (const formats::InputFile& file : files) {
    if (file.size == 0) throw user_error("{}: is an empty file, expected a record in each; remove it, or copy it again", file.name);
  }
  return files;
}

std::string relative_annotation(const std::string& input, const std::string& path) {
  if (!is_folder(input)) return fs::path(path).filename().string();
  const fs::path below = fs::path(path).lexically_relative(input);
  if (below.empty() || *below.begin() == "..") return fs::path(path).filename().string();
  if (*below.begin() != "Annotations" && *below.begin() != "annotations") return below.string();
  return below.lexically_relative(*below.begin()).string();
}

std::string image_root(const ConvertRequest& request) {
  if (request.root) return *request.root;
  fs::path folder = fs::path(request.input).lexically_normal();
  if (!is_folder(folder)) folder = folder.parent_path();
  if (folder.filename().empty() && folder.has_parent_path() && folder != folder.root_path()) folder = folder.parent_path();
  if (folder.empty()) folder = ".";
  const fs::path beside = fs::absolute(folder).lexically_normal().parent_path();
  for (const fs::path& candidate : {folder / "images", folder / "JPEGImages", beside / "images", beside / "JPEGImages"}) {
    if (is_folder(candidate)) return candidate.string();
  }
  return folder.string();
}

std::string list_root(const ConvertRequest& request) {
  if (request.root) return *request.root;
  const fs::path folder = is_folder(request.input) ? fs::path(request.input) : fs::path(request.input).parent_path();
  return folder.empty() ? "." : folder.string();
}

std::string image_path(const std::string& root, const std::string& file, const std::string& annotation) {
  const fs::path named = fs::path(root) / file;
  std::error_code error;
  if (fs::exists(named, error)) return named.string();
  const fs::path own = fs::path(root) / fs::path(annotation).parent_path() / fs::path(file).filename();
  return fs::exists(own, error) ? own.string() : named.string();
}

}  // namespace smtrain::run
