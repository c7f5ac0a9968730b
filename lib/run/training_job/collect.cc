#include "run/training_job/collect.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"
#include "formats/archive/tar.h"
#include "job/model.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFirst = "manifest.json";

// A file's bytes without room of their own.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& path) {
    const UniqueFd file = open_for_reading(path);
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0) fail(path);
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ == 0) return;
    void* const bytes = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (bytes == MAP_FAILED) fail(path);
    bytes_ = static_cast<const char*>(bytes);
  }
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)), size_(other.size_) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile() {
    if (bytes_ != nullptr) ::munmap(const_cast<char*>(bytes_), size_);
  }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  [[noreturn]] static void fail(const fs::path& path) {
    throw system_error(errno, "cannot read {}", path.string());
  }
  const char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

using Files = std::map<std::string, fs::path>;

Files merged(const std::vector<fs::path>& folders, Log& log) {
  Files files;
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      const std::string name = at->path().lexically_relative(folder).string();
      if (at->is_symlink(error)) {
        log.warning("{}: a symbolic link is not kept; copy the file instead", at->path().string());
      } else if (!at->is_regular_file(error)) {
        if (!at->is_directory(error)) log.warning("{}: is no file and not kept", at->path().string());
      } else {
        if (!files.emplace(name, at->path()).second) {
          log.info("{} was written by several hosts; that of {} stays", name, folder.string());
          files[name] = at->path();
        }
      }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      throw system_error(error.value(), "cannot read {}", folder.string());
    }
  }
  return files;
}

void write_archive(const Files& files, const fs::path& target) {
  std::vector<MappedFile> mapped;
  std::vector<std::pair<std::string, std::string_view>> members;
  mapped.reserve(files.size());
  for (const auto& [name, path] : files) {
    mapped.emplace_back(path);
    members.emplace_back(name, mapped.back().view());
  }
  std::stable_partition(members.begin(), members.end(), [](const auto& m) { return m.first == kFirst; });
  AtomicFile out(target);
  formats::write_tar(members, formats::TarCompression::gzip, job::member_time(),
                     [&](std::string_view bytes) { out.write(bytes); });
  out.commit();
}

void check(const std::error_code& error, const fs::path& path) {
  if (error)
    throw system_error(error.value(), "cannot write {}", path.string());
}

void write_folder(const Files& files, const fs::path& target) {
  const fs::path beside = target.string() + ".part";
  std::error_code error;
  fs::remove_all(beside, error);
  fs::create_directories(beside, error);
  check(error, beside);
  for (const auto& [name, path] : files) {
    fs::create_directories((beside / name).parent_path(), error);
    check(error, beside / name);
    fs::copy_file(path, beside / name, error);
    check(error, beside / name);
  }
  fs::remove_all(target, error);
  fs::rename(beside, target, error);
  check(error, target);
}

}  // namespace

std::string collect(const std::vector<fs::path>& folders, const fs::path& output, const std::string& name,
                    const std::string& folder, bool compressed, bool even_empty, Log& log) {
  const Files files = merged(folders, log);
  if (files.empty() && !even_empty) return "";
  std::error_code error;
  fs::create_directories(output, error);
  check(error, output);
  const fs::path target = compressed ? output / (name + ".tar.gz") : output / folder;
  if (compressed) write_archive(files, target);
  else write_folder(files, target);
  return target.string();
}

}  // namespace smtrain::run::training_job
