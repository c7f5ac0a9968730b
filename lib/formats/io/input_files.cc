#include "formats/io/input_files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, int error_number) {
  throw Error(fault_of_errno(error_number), fmt::format("{}: {}", path, errno_text(error_number)));
}

/// A path from a path or a file:// URI.
std::string local_path(const std::string& path) {
  const std::size_t colon = path.find("://");
  if (colon == std::string::npos || path.find('/') < colon) return path;
  const std::string scheme = to_lower(std::string_view(path).substr(0, colon));
  if (scheme != "file") throw user_error("{}: only local files are read; expected a path or a file:// URI", smtrain::quoted(path));
  std::string_view rest = std::string_view(path).substr(colon + 3);
  if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  if (!rest.starts_with('/')) throw user_error("{}: a file URI names no other machine; expected file:///path", smtrain::quoted(path));
  const auto decoded = percent_decoded(rest);
  if (!decoded || decoded->find('\0') != std::string::npos)
    throw user_error("{}: a percent sign must be followed by two hex digits that are not 00", smtrain::quoted(path));
  return *decoded;
}

void check_readable(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) fail(path, errno);
}

/// One path that is no folder.
InputFile input_file(const std::string& path, const struct stat& status) {
  if (S_ISSOCK(status.st_mode) || S_ISBLK(status.st_mode)) throw user_error("{}: is neither a file, a folder nor a FIFO", path);
  check_readable(path);
  InputFile file{path, path, S_ISREG(status.st_mode), std::nullopt};
  if (S_ISREG(status.st_mode)) file.size = static_cast<std::uint64_t>(status.st_size);
  return file;
}

bool hidden(const std::string& name) { return name.starts_with('.') || name.starts_with('_'); }

using FolderId = std::pair<dev_t, ino_t>;

/// Regular files below `folder`. `above` are the folders it lies in: a symbolic link back to one of them is left out.
void collect(const std::string& folder, EmptyFiles empty, std::vector<FolderId>& above, std::vector<InputFile>& files) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) fail(folder, error.value());
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (hidden(name)) continue;
    const std::string path = folder.ends_with('/') ? folder + name : folder + '/' + name;
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) fail(path, errno);
    if (S_ISDIR(status.st_mode)) {
      const FolderId id{status.st_dev, status.st_ino};
      if (std::find(above.begin(), above.end(), id) != above.end()) continue;
      above.push_back(id);
      collect(path, empty, above, files);
      above.pop_back();
    } else if (S_ISREG(status.st_mode) && (status.st_size != 0 || empty == EmptyFiles::kept)) {
      files.push_back(input_file(path, status));
    }
  }
  if (error) fail(folder, error.value());
}

void sort_by_path(std::vector<InputFile>& files) {
  std::sort(files.begin(), files.end(), [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
}

std::vector<InputFile> folder_files(const std::string& path, const struct stat& status, EmptyFiles empty) {
  std::vector<InputFile> files;
  std::vector<FolderId> above{{status.st_dev, status.st_ino}};
  collect(path, empty, above, files);
  sort_by_path(files);
  return files;
}

/// "; did you mean …?" for a path that is not there, by the deepest part of it that is.
std::string nearest_path(const std::string& path) {
  fs::path at(path);
  if (at.filename().empty()) at = at.parent_path();
  std::error_code error;
  while (at.has_parent_path() && at.parent_path() != at && !fs::exists(at.parent_path(), error)) at = at.parent_path();
  const fs::path folder = at.parent_path();
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder.empty() ? fs::path(".") : folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  const auto near = nearest_name(at.filename().string(), names);
  return near ? fmt::format("; did you mean {}?", (folder / *near).string()) : "";
}

std::vector<std::string> glob_matches(const std::string& pattern) {
  glob_t found{};
  const int rc = ::glob(pattern.c_str(), GLOB_NOSORT | GLOB_NOESCAPE, nullptr, &found);
  const std::unique_ptr<glob_t, decltype(&::globfree)> guard(&found, ::globfree);
  if (rc == GLOB_NOSPACE) throw machine_error("{}: out of memory while matching", pattern);
  std::vector<std::string> paths;
  if (rc == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  return paths;
}

std::vector<InputFile> glob_files(const std::string& pattern, EmptyFiles empty) {
  const std::size_t slash = pattern.find_last_of('/');
  const bool asks_hidden = hidden(pattern.substr(slash == std::string::npos ? 0 : slash + 1));
  std::vector<InputFile> files;
  for (const std::string& path : glob_matches(pattern)) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) fail(path, errno);
    if (hidden(fs::path(path).filename().string()) && !asks_hidden) continue;
    if (S_ISDIR(status.st_mode)) {
      std::vector<FolderId> above{{status.st_dev, status.st_ino}};
      collect(path, empty, above, files);
    } else if (!S_ISREG(status.st_mode) || status.st_size != 0 || empty == EmptyFiles::kept) {
      files.push_back(input_file(path, status));
    }
  }
  sort_by_path(files);
  return files;
}

}  // namespace

std::vector<InputFile> expand_path(const std::string& path, EmptyFiles empty) {
  std::vector<InputFile> files = expand_path_if_any(path, empty);
  if (!files.empty()) return files;
  const char* const left_out =
      empty == EmptyFiles::kept ? "names that begin with . or _ are left out" : "names that begin with . or _ and empty files are left out";
  if (fs::is_directory(local_path(path))) throw user_error("{}: the folder holds no file to read ({})", local_path(path), left_out);
  throw user_error("{}: no file matches ({})", smtrain::quoted(local_path(path), 200), left_out);
}

std::vector<InputFile> expand_path_if_any(const std::string& path, EmptyFiles empty) {
  if (path == "-") return {InputFile{"-", "standard input", false, std::nullopt}};
  if (path.empty()) throw user_error("an input path is empty");
  const std::string local = local_path(path);
  struct stat status;
  if (::stat(local.c_str(), &status) != 0) {
    const int error_number = errno;
    if (error_number == ENOENT && local.find_first_of("*?[") != std::string::npos) return glob_files(local, empty);
    if (error_number == ENOENT || error_number == ENOTDIR)
      throw user_error("{}: {}{}", local, errno_text(error_number), nearest_path(local));
    fail(local, error_number);
  }
  if (S_ISDIR(status.st_mode)) return folder_files(local, status, empty);
  return {input_file(local, status)};
}

}  // namespace smtrain::formats
