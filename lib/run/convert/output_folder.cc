#include "run/convert/output_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"
#include "formats/io/compress.h"

namespace smtrain::run {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, int error_number) {
  throw system_error(error_number, "cannot write {}", smtrain::quoted(path, 4096));
}

// mkdtemp keeps others out, and the umask says who may look in later.
void open_to_umask(const fs::path& folder) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(folder.c_str(), 0777 & ~mask);
}

void write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

OutputFolder::OutputFolder(const std::string& path) : name_(path) {
  if (path == "-") throw user_error("a folder of files cannot go to standard output; name a folder");
  std::error_code error;
  target_ = fs::absolute(path).lexically_normal();
  if (target_.filename().empty()) target_ = target_.parent_path();
  if (fs::exists(target_, error)) {
    if (!fs::is_directory(target_, error))
      throw user_error("{}: is a file; expected a folder to be made", smtrain::quoted(path, 4096));
    if (!fs::is_empty(target_, error) || error)
      throw user_error("{}: the folder is there already and is not empty; remove it, or name another",
                       smtrain::quoted(path, 4096));
  }
  std::string name =
      (target_.parent_path() / fmt::format(".{:.200}.tmp-{}-XXXXXX", target_.filename().string(), ::getpid())).string();
  if (::mkdtemp(name.data()) == nullptr) fail(path, errno);
  temporary_ = name;
  remember_leftover(temporary_, Leftover::folder);
  open_to_umask(temporary_);
}

OutputFolder::~OutputFolder() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
  forget_leftover(temporary_);
}

void OutputFolder::make_folder(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  if (!folders_.insert(folder.string()).second) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(name_, error.value());
}

void OutputFolder::write(const std::string& name, std::string_view bytes) {
  const fs::path plain = fs::path(name).lexically_normal();
  if (name.empty() || plain.is_absolute() || plain.begin()->string() == ".." || plain.filename().empty() || plain == "." ||
      name.find('\0') != std::string::npos)
    throw user_error("{}: {} leads out of the folder", name_, smtrain::quoted(name));
  const fs::path file = temporary_ / plain;
  make_folder(file.parent_path());
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd && errno == EEXIST)
    throw user_error("{}: {} would be written twice; names must differ", name_, smtrain::quoted(name, 4096));
  if (!fd) fail((fs::path(name_) / plain).string(), errno);
  write_all(fd.get(), bytes, (fs::path(name_) / plain).string());
  const std::lock_guard lock(mutex_);
  ++files_;
  bytes_ += bytes.size();
}

void OutputFolder::sync() const {
  // One call for all files, where a sync of each would take a disk's turn per file.
  const UniqueFd folder(::open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::syncfs(folder.get()) != 0) fail(name_, errno);
}

void OutputFolder::rename() {
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(name_, errno);
  committed_ = true;
  forget_leftover(temporary_);
}

void OutputFolder::commit() {
  sync();
  rename();
}

void commit_together(const std::vector<OutputFolder*>& folders) {
  for (const OutputFolder* folder : folders) folder->sync();
  std::size_t done = 0;
  try {
    for (; done < folders.size(); ++done) folders[done]->rename();
  } catch (...) {
    for (std::size_t i = 0; i < done; ++i) {
      OutputFolder& folder = *folders[i];
      folder.committed_ = ::rename(folder.target_.c_str(), folder.temporary_.c_str()) != 0;
    }
    throw;
  }
}

void write_document(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  std::string packed;
  const formats::Compression compression = formats::compression_by_suffix(path);
  if (compression != formats::Compression::none) formats::append_compressed(compression, text, packed);
  file.write(compression == formats::Compression::none ? text : std::string_view(packed));
  file.commit();
}

}  // namespace smtrain::run
