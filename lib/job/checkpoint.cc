#include "job/checkpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain::job {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::size_t kKept = 2;

std::string name_of(std::uint64_t number) { return fmt::format("{}{:06}", kPrefix, number); }

struct Entry {
  std::uint64_t number;
  std::string name;
};

// Whatever else is in the folder (temporaries, .sagemaker-uploading marks, a user's copies) does not read so.
std::optional<std::uint64_t> number_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || name != name_of(number)) return std::nullopt;
  return number;
}

// Names of a folder; none when it is not there.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) names.push_back(at->path().filename().string());
  if (error && error.value() != ENOENT) {
    throw system_error(error.value(), "cannot read {}", smtrain::quoted(folder.native()));
  }
  return names;
}

// Newest first.
std::vector<Entry> checkpoints_in(const fs::path& folder) {
  std::vector<Entry> entries;
  for (std::string& name : names_in(folder)) {
    if (const auto number = number_of(name)) entries.push_back({*number, std::move(name)});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.number > b.number; });
  return entries;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  int error_number = error.value();
  if (!error && !fs::is_directory(folder, error)) error_number = ENOTDIR;
  if (error_number == 0 && ::access(folder.c_str(), W_OK | X_OK) != 0) error_number = errno;
  if (error_number == 0) return;
  throw system_error(error_number, "--checkpoint-dir {}: cannot be written", smtrain::quoted(folder.native()));
}

}  // namespace

std::optional<FoundCheckpoint> newest_checkpoint(const fs::path& folder, std::uint64_t limit, Log& log) {
  std::vector<std::string> problems;
  for (const Entry& entry : checkpoints_in(folder)) {
    const fs::path path = folder / entry.name;
    try {
      FoundCheckpoint found{entry.name, read_checkpoint(read_file(path, limit), path.string())};
      for (const std::string& problem : problems) log.warning("{}; going on from {}", problem, entry.name);
      return found;
    } catch (const Error& error) {
      if (error.fault() == Fault::interrupted) throw;
      problems.insert(problems.end(), error.problems().begin(), error.problems().end());
    }
  }
  if (problems.empty()) return std::nullopt;
  problems.push_back(fmt::format("no checkpoint of {} can be read; remove them to start anew", smtrain::quoted(folder.native())));
  throw Error(Fault::user, std::move(problems));
}

// ---- one run at a time -------------------------------------------------------------------------------------------------------

// Held as long as its process lives, however that ends.
class Checkpointer::Lock {
 public:
  Lock(const fs::path& path, const fs::path& folder, Log& log) {
    fd_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!fd_) return;  // another user's, say; what matters is said when a checkpoint is written
    constexpr int kTries = 20;  // a run that is being killed needs a moment
    for (int i = 0; i < kTries; ++i) {
      if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) {
        held_ = true;
        sign();
        return;
      }
      if (errno != EWOULDBLOCK && errno != EINTR) {
        log.debug("{}: locks are not to be had here", folder.string());
        return;
      }
      ::usleep(100'000);
    }
    throw user_error("--checkpoint-dir {}: is in use by another run ({}); give each run a folder of its own", smtrain::quoted(folder.native()),
                     owner());
  }
  bool held() const { return held_; }

 private:
  void sign() {
    char host[256] = "";
    (void)::gethostname(host, sizeof host - 1);
    const std::string text = fmt::format("process {} on {}\n", ::getpid(), host);
    // For people alone: a full disk takes nothing from the lock.
    if (::ftruncate(fd_.get(), 0) == 0) (void)!::pwrite(fd_.get(), text.data(), text.size(), 0);
  }
  std::string owner() const {
    char text[320];
    const ssize_t got = ::pread(fd_.get(), text, sizeof text, 0);
    const std::string_view line = trim({text, static_cast<std::size_t>(std::max<ssize_t>(got, 0))});
    return line.empty() ? "an unknown process" : std::string(line);
  }

  UniqueFd fd_;
  bool held_ = false;
};

// ---- writing -----------------------------------------------------------------------------------------------------------------

Checkpointer::Checkpointer(fs::path folder, std::string temporary_suffix, Log& log)
    : folder_(std::move(folder)), suffix_(std::move(temporary_suffix)), log_(log) {
  make_folder(folder_);
  lock_ = std::make_unique<Lock>(folder_ / (".lock" + suffix_), folder_, log);
  const std::vector<Entry> entries = checkpoints_in(folder_);
  if (!entries.empty()) last_number_ = entries.front().number;
  if (!lock_->held()) return;  // then a temporary may be that of a living run
  for (const std::string& name : names_in(folder_)) {
    std::error_code ignored;
    if (name.starts_with("." + std::string(kPrefix)) && name.find(".tmp-") != std::string::npos) fs::remove(folder_ / name, ignored);
  }
}

Checkpointer::~Checkpointer() { wait(); }

std::optional<FoundCheckpoint> Checkpointer::newest(std::uint64_t limit) {
  std::optional<FoundCheckpoint> found = newest_checkpoint(folder_, limit, log_);
  if (found) whole_.insert(found->name);
  return found;
}

void Checkpointer::wait() {
  if (writer_.joinable()) writer_.join();
}

std::string Checkpointer::last_written() {
  wait();
  return last_written_;
}

std::string Checkpointer::next_name() { return name_of(++last_number_); }

std::string Checkpointer::write(const Checkpoint& checkpoint) {
  wait();
  const std::string name = next_name();
  store(name, write_checkpoint(checkpoint));
  return name;
}

void Checkpointer::start_write(const Checkpoint& checkpoint) {
  wait();
  busy_.store(true);
  // Made here: the thread that waits for the disk shall not compute beside the team.
  writer_ = std::thread([this, name = next_name(), bytes = write_checkpoint(checkpoint)] {
    try {
      store(name, bytes);
    } catch (const std::exception& error) {
      log_.warning("no checkpoint: {}; training goes on, the next one is tried in time", error.what());
    }
    busy_.store(false, std::memory_order_release);
  });
}

void Checkpointer::store(const std::string& name, const std::string& bytes) {
  AtomicFile file(folder_ / name, suffix_);
  file.write(bytes);
  file.commit();
  last_written_ = name;
  log_.debug("wrote {}", (folder_ / name).string());
  remove_old(name);
}

// A newer one that was found damaged must not take the place of a good one.
void Checkpointer::remove_old(const std::string& newest) {
  whole_.insert(newest);
  std::vector<Entry> entries = checkpoints_in(folder_);
  std::stable_partition(entries.begin(), entries.end(), [&](const Entry& e) { return whole_.contains(e.name); });
  for (std::size_t i = kKept; i < entries.size(); ++i) {
    std::error_code ignored;
    fs::remove(folder_ / entries[i].name, ignored);
    whole_.erase(entries[i].name);
  }
}

}  // namespace smtrain::job
