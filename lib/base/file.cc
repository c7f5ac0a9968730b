#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/signals.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWritebackWindow = std::uint64_t{8} << 20;
constexpr int kStopPollMilliseconds = 100;

std::string quoted_path(const fs::path& path) { return quoted(path.native(), PATH_MAX); }

[[noreturn]] void fail_reading(std::string_view name, int error_number) {
  throw system_error(error_number, "cannot read {}", quoted(name, PATH_MAX));
}

// --- registry of open temporaries, read by a signal handler: no locks, no allocation ---

enum SlotState { kFree, kClaimed, kReady };

struct Slot {
  std::atomic<int> state{kFree};
  std::atomic<Leftover> kind{Leftover::file};
  std::array<char, PATH_MAX> path;
};

// More open outputs than this are written all the same; only a second interrupt would leave the surplus behind. Pages that no slot
// has used take no memory.
std::array<Slot, 1100> slots;

std::atomic<bool> names_change{false};
static_assert(std::atomic<Leftover>::is_always_lock_free, "a signal handler reads it");

constexpr int kDeepestFolder = 64;

// What is in the folder `name` below `above`, which is no link. Files may come while others go: as often as something went.
void empty_folder(int above, const char* name, int depth) {
  const int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  for (bool removed = true; removed;) {
    removed = false;
    lseek(fd, 0, SEEK_SET);
    alignas(dirent64) std::array<char, 4096> entries;
    for (ssize_t size; (size = getdents64(fd, entries.data(), entries.size())) > 0;) {
      for (ssize_t at = 0; at < size;) {
        const auto* entry = reinterpret_cast<const dirent64*>(entries.data() + at);
        at += entry->d_reclen;
        const char* const child = entry->d_name;
        if (std::strcmp(child, ".") == 0 || std::strcmp(child, "..") == 0) continue;
        if (unlinkat(fd, child, 0) == 0) {
          removed = true;
        } else if (depth < kDeepestFolder) {
          empty_folder(fd, child, depth + 1);
          removed |= unlinkat(fd, child, AT_REMOVEDIR) == 0;
        }
      }
    }
  }
  close(fd);
}

void remove_leftover(const Slot& slot, Leftover kind) {
  if (slot.state.load(std::memory_order_acquire) != kReady || slot.kind.load() != kind) return;
  if (kind == Leftover::file) unlink(slot.path.data());
  if (kind == Leftover::folder) empty_folder(AT_FDCWD, slot.path.data(), 0);
  if (kind != Leftover::file) rmdir(slot.path.data());
}

// --- reading ---

// Waits until a read would not block; false when it was cancelled. A signal may have gone to another thread, so the flags are
// looked at now and then.
bool wait_readable(int fd, const std::atomic<bool>* cancelled) {
  for (;;) {
    if (cancelled != nullptr && cancelled->load()) return false;
    pollfd waiting = {fd, POLLIN, 0};
    if (poll(&waiting, 1, kStopPollMilliseconds) > 0) return true;
    throw_if_stopped();
  }
}

// --- writing ---

fs::path follow_links(fs::path path) {
  constexpr int kMostLinks = 40;  // as the kernel
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, error); ++i) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) return path;
    path = path.parent_path() / next;
  }
  return path;
}

// The descriptor that /dev/stdout, /dev/fd/N and their like stand for, -1 for other paths. Opened anew, a redirected file
// would be written from its start again.
int descriptor_of(const fs::path& target) {
  const std::string& name = target.native();
  if (name == "-" || name == "/dev/stdout") return STDOUT_FILENO;
  if (name == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!name.starts_with(folder) || name.size() > folder.size() + 9) continue;
    const std::string number = name.substr(folder.size());
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) return std::stoi(number);
  }
  return -1;
}

// Where there is no reader yet a FIFO's open would block, and miss signals that other threads take.
int open_directly(const fs::path& target, bool fifo) {
  for (;;) {
    const int fd = open(target.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | (fifo ? O_NONBLOCK : 0));
    if (fd >= 0) {
      fcntl(fd, F_SETFL, 0);
      return fd;
    }
    const bool no_reader = fifo && errno == ENXIO;
    if (!no_reader && errno != EINTR) return -1;
    if (no_reader) poll(nullptr, 0, kStopPollMilliseconds);
    throw_if_stopped();
  }
}

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits) {
    static std::atomic<std::uint64_t> calls{0};
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    bits = static_cast<std::uint64_t>(now.tv_nsec) * 0x9e3779b97f4a7c15u + calls.fetch_add(1);
  }
  return bits;
}

// The name is cut, between characters, to what a folder entry may hold.
fs::path temporary_beside(const fs::path& target, std::string_view ending) {
  const std::string suffix = fmt::format(".tmp-{}-{:016x}{}", getpid(), random_bits(), ending);
  std::string name = target.filename().native();
  std::size_t length = std::min(name.size(), std::size_t{NAME_MAX} - 1 - suffix.size());
  while (length > 0 && length < name.size() && (static_cast<unsigned char>(name[length]) & 0xC0u) == 0x80u) --length;
  name.resize(length);
  return target.parent_path() / ("." + name + suffix);
}

int open_temporary(const fs::path& target, std::string_view suffix, fs::path& temporary) {
  constexpr int kTries = 16;
  for (int i = 0; i < kTries; ++i) {
    temporary = temporary_beside(target, suffix);
    const int fd = open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || (errno != EEXIST && errno != EINTR)) return fd;
  }
  return -1;
}

// Lets the disk work while we compute: commit() then waits for the last window only.
void start_writeback(int fd, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t first = from / kWritebackWindow, last = to / kWritebackWindow;
  if (first == last) return;
  sync_file_range(fd, static_cast<off64_t>(first * kWritebackWindow),
                  static_cast<off64_t>((last - first) * kWritebackWindow), SYNC_FILE_RANGE_WRITE);
}

int sync_file(int fd) {
  int result;
  do result = fsync(fd);
  while (result != 0 && errno == EINTR);
  return result;
}

// 0 or errno. A folder that may be written but not read cannot be synced, and some file systems know no such thing.
int sync_folder(const fs::path& folder) {
  const UniqueFd fd(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || sync_file(fd.get()) == 0 || errno == EINVAL || errno == ENOTSUP) return 0;
  return errno;
}

// 0 or errno; close is where some network file systems report a full quota.
int close_checked(UniqueFd& fd) { return close(fd.release()) == 0 || errno == EINTR ? 0 : errno; }

std::string missing_folder_hint(const fs::path& target, int error_number) {
  std::error_code ignored;
  const fs::path folder = target.parent_path();
  if (error_number != ENOENT || folder.empty() || fs::exists(folder, ignored)) return {};
  return fmt::format("; create the folder {} first", quoted_path(folder));
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int UniqueFd::release() { return std::exchange(fd_, -1); }

void UniqueFd::reset() {
  if (fd_ >= 0) close(release());
}

UniqueFd open_for_reading(const fs::path& path) {
  // O_NONBLOCK: a FIFO opens before its writer does, so that the wait for it is in read_fully, where a stop ends it.
  int fd;
  do {
    fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == EINTR) throw_if_stopped();
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) fail_reading(path.native(), errno);
  UniqueFd file(fd);
  struct stat status;
  if (fstat(fd, &status) != 0) fail_reading(path.native(), errno);
  if (S_ISDIR(status.st_mode)) fail_reading(path.native(), EISDIR);
  fcntl(fd, F_SETFL, 0);
  return file;
}

std::size_t read_fully(int fd, std::span<char> into, std::string_view name, const std::atomic<bool>* cancelled) {
  if (fd < 0) fail_reading(name, EBADF);  // poll passes over such a one in silence
  std::size_t filled = 0;
  while (filled < into.size()) {
    if (!wait_readable(fd, cancelled)) break;
    const ssize_t got = read(fd, into.data() + filled, into.size() - filled);
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (got == 0) {
      break;
    } else if (errno == EINTR) {
      throw_if_stopped();
    } else if (errno != EAGAIN) {
      fail_reading(name, errno);
    }
  }
  return filled;
}

std::string read_file(const fs::path& path, std::size_t limit) {
  const UniqueFd file = open_for_reading(path);
  struct stat status = {};
  fstat(file.get(), &status);
  constexpr std::size_t kStep = std::size_t{64} << 10;
  std::string text;
  // The size is a first guess: files in /proc and FIFOs have none.
  std::size_t room = std::min(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)), limit) + 1;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + room);
    const std::size_t got = read_fully(file.get(), std::span<char>(text).subspan(before), path.native());
    text.resize(before + got);
    if (text.size() > limit) {
      throw user_error("{}: the file is too large; expected at most {}", quoted_path(path), format_bytes(limit));
    }
    if (got < room) return text;
    room = std::max(kStep, text.size());
  }
}

bool same_file(const fs::path& a, const fs::path& b) {
  struct stat first, second;
  if (stat(a.c_str(), &first) != 0 || stat(b.c_str(), &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

AtomicFile::AtomicFile(fs::path target, std::string_view temporary_suffix) : target_(std::move(target)) {
  const int descriptor = descriptor_of(target_);
  struct stat status = {};
  if (descriptor >= 0) {
    fd_ = UniqueFd(fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
  } else if (stat(target_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    if (S_ISDIR(status.st_mode)) fail(EISDIR);
    fd_ = UniqueFd(open_directly(target_, S_ISFIFO(status.st_mode)));
  } else {
    // Known now rather than when the work is done: the shortened temporary could be written, the target could not.
    file_ = fs::absolute(follow_links(target_));
    if (file_.filename().native().size() > NAME_MAX) fail(ENAMETOOLONG);
    if (file_.filename().empty()) fail(EISDIR);
    fd_ = UniqueFd(open_temporary(file_, temporary_suffix, temporary_));
    if (fd_) remember_leftover(temporary_, Leftover::file);
  }
  if (!fd_) {
    const int error_number = errno;
    temporary_.clear();
    fail(error_number);
  }
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : target_(std::move(other.target_)),
      file_(std::move(other.file_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      size_(other.size_),
      committed_(std::exchange(other.committed_, true)) {}

AtomicFile::~AtomicFile() {
  if (committed_ || temporary_.empty()) return;
  unlink(temporary_.c_str());
  forget_leftover(temporary_);
}

void AtomicFile::write(std::span<const char> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(fd_.get(), bytes.data() + done, bytes.size() - done);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno == EINTR) {
      if (!seekable()) throw_if_stopped();
    } else if (errno == EAGAIN) {
      pollfd waiting = {fd_.get(), POLLOUT, 0};
      if (poll(&waiting, 1, kStopPollMilliseconds) <= 0) throw_if_stopped();
    } else {
      fail(errno);
    }
  }
  if (seekable()) start_writeback(fd_.get(), size_, size_ + bytes.size());
  size_ += bytes.size();
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const char> bytes) {
  if (!seekable()) throw internal_error("{}: cannot write at an offset; expected a regular file", quoted_path(target_));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written =
        pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      fail(errno);
    }
  }
  start_writeback(fd_.get(), offset, offset + bytes.size());
}

void AtomicFile::finish() {
  if (finished_) return;
  if (seekable() && sync_file(fd_.get()) != 0) fail(errno);
  if (const int error_number = close_checked(fd_)) fail(error_number);
  finished_ = true;
}

void AtomicFile::commit() {
  finish();
  if (seekable() && rename(temporary_.c_str(), file_.c_str()) != 0) fail(errno);
  settle();
}

void AtomicFile::settle() {
  committed_ = true;
  if (!seekable()) return;
  forget_leftover(temporary_);
  if (const int error_number = sync_folder(file_.parent_path())) fail(error_number);
}

void AtomicFile::fail(int error_number) const {
  const std::string name = target_ == "-" ? std::string("standard output") : quoted_path(target_);
  const std::string text =
      fmt::format("cannot write {}: {}{}", name, errno_text(error_number), missing_folder_hint(target_, error_number));
  // Nobody reads on: not a fault, and main ends quietly.
  if (error_number == EPIPE) throw Error(Fault::interrupted, {text}, SIGPIPE);
  throw Error(fault_of_errno(error_number), text);
}

/// The renames of several files, taken back unless all are done.
class Renames {
 public:
  Renames() { names_change = true; }
  Renames(const Renames&) = delete;
  Renames& operator=(const Renames&) = delete;
  ~Renames() {
    for (auto at = done_.rbegin(); at != done_.rend(); ++at) take_back(*at);
    names_change = false;
  }

  void add(AtomicFile& file) {
    if (!file.seekable()) return;
    // A link leaves no moment without a file of that name; not all file systems have links, nor may everybody's file be linked.
    fs::path old = temporary_beside(file.file_, {});
    struct stat status;
    const bool there = lstat(file.file_.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    if (!there) old.clear();
    else if (link(file.file_.c_str(), old.c_str()) != 0 && rename(file.file_.c_str(), old.c_str()) != 0) file.fail(errno);
    done_.push_back({&file, old, false});
    if (rename(file.temporary_.c_str(), file.file_.c_str()) != 0) file.fail(errno);
    done_.back().renamed = true;
  }

  void keep() {
    for (const Done& done : done_) {
      if (!done.old.empty()) unlink(done.old.c_str());
    }
    const std::vector<Done> done = std::exchange(done_, {});
    for (const Done& each : done) each.file->settle();
  }

 private:
  struct Done {
    AtomicFile* file;
    fs::path old;  // what stood there before; empty: nothing
    bool renamed;
  };

  // The file goes back under its temporary name, which its destructor removes.
  static void take_back(const Done& done) {
    if (done.renamed) rename(done.file->file_.c_str(), done.file->temporary_.c_str());
    if (!done.old.empty()) rename(done.old.c_str(), done.file->file_.c_str());
    // Of two names of one file rename() leaves both.
    if (!done.old.empty()) unlink(done.old.c_str());
  }

  std::vector<Done> done_;
};

void commit_together(std::span<AtomicFile* const> files) {
  for (AtomicFile* file : files) file->finish();
  Renames renames;
  for (AtomicFile* file : files) renames.add(*file);
  renames.keep();
}

void remember_leftover(const fs::path& path, Leftover kind) {
  const std::string& name = path.native();
  if (name.size() >= PATH_MAX) return;
  for (Slot& slot : slots) {
    int expected = kFree;
    if (!slot.state.compare_exchange_strong(expected, kClaimed)) continue;
    std::memcpy(slot.path.data(), name.c_str(), name.size() + 1);
    slot.kind.store(kind);
    slot.state.store(kReady, std::memory_order_release);
    return;
  }
}

void forget_leftover(const fs::path& path) {
  for (Slot& slot : slots) {
    if (slot.state.load(std::memory_order_acquire) != kReady || path.native() != slot.path.data()) continue;
    slot.state.store(kFree, std::memory_order_release);
    return;
  }
}

void remove_temporaries() {
  for (const Slot& slot : slots) remove_leftover(slot, Leftover::file);
  for (const Slot& slot : slots) remove_leftover(slot, Leftover::folder);
  // Those that were made last lie deepest.
  for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot) remove_leftover(*slot, Leftover::empty_folder);
}

bool files_get_names() { return names_change.load(); }

UniqueFd open_scratch_file() {
  const char* configured = std::getenv("TMPDIR");
  const std::string folder = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  UniqueFd file(open(folder.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600));
  if (!file) {  // a file system or kernel without unnamed files
    std::string name = folder + "/smtrain-XXXXXX";
    file = UniqueFd(mkostemp(name.data(), O_CLOEXEC));
    const int error_number = errno;
    if (!file) {
      throw Error(fault_of_errno(error_number),
                  fmt::format("cannot create a scratch file in {}: {}; set TMPDIR to a folder with room",
                              quoted_path(folder), errno_text(error_number)));
    }
    unlink(name.c_str());
  }
  return file;
}

}  // namespace smtrain
