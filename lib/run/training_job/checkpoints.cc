#include "run/training_job/checkpoints.h"

#include <signal.h>

#include <chrono>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

constexpr auto kPoll = std::chrono::seconds(5);
constexpr std::size_t kBuffer = std::size_t{1} << 20;

// Whoever is killed while copying leaves a name that is never taken for a checkpoint.
constexpr std::string_view kUnfinished = ".sagemaker-uploading";

bool is_marker(const std::string& name) {
  return name.ends_with(".sagemaker-ignore") || name.ends_with(".sagemaker-uploading") || name.ends_with(".sagemaker-uploaded");
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw system_error(error.value(), "cannot make the folder {}", path.string());
}

void copy_whole(const fs::path& from, const fs::path& to) {
  make_folder(to.parent_path());
  const UniqueFd in = open_for_reading(from);
  AtomicFile out(to, kUnfinished);
  std::vector<char> buffer(kBuffer);
  for (std::size_t n; (n = read_fully(in.get(), buffer, from.string())) != 0;) out.write(std::span<const char>(buffer.data(), n));
  out.commit();
}

// Files below a folder by relative path. Those that vanish under our eyes are not there. Returns what kept the list from being whole.
template <class F>
std::error_code each_file(const fs::path& folder, F&& use) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (at->is_regular_file(gone) && !is_marker(at->path().filename().string()))
      use(at->path(), at->path().lexically_relative(folder).string());
  }
  return error;
}

}  // namespace

void restore_checkpoints(const fs::path& location, const fs::path& folder) {
  make_folder(folder);
  if (same_file(location, folder)) return;
  each_file(location, [&](const fs::path& path, const std::string& name) { copy_whole(path, folder / name); });
}

bool has_checkpoint(const fs::path& location) {
  bool any = false;
  each_file(location, [&](const fs::path&, const std::string&) { any = true; });
  return any;
}

CheckpointCopier::CheckpointCopier(std::vector<fs::path> folders, fs::path location, Log& log)
    : folders_(std::move(folders)), location_(std::move(location)), log_(log), copied_(folders_.size()) {
  make_folder(location_);
  // What was restored is there already.
  for (std::size_t i = 0; i < folders_.size(); ++i) {
    each_file(folders_[i], [&](const fs::path& path, const std::string& name) {
      std::error_code gone;
      copied_[i][name] = {fs::file_size(path, gone), fs::last_write_time(path, gone)};
    });
  }
  thread_ = std::thread([this] { run(); });
}

CheckpointCopier::~CheckpointCopier() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CheckpointCopier::finish() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  pass();
}

void CheckpointCopier::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPoll, [&] { return stop_; })) {
    lock.unlock();
    try {
      pass();
    } catch (const std::exception& e) {
      // A file may have vanished meanwhile; what matters is whether the last pass succeeds.
      if (!warned_) log_.warning("checkpoints: {}", e.what());
      warned_ = true;
    }
    lock.lock();
  }
}

void CheckpointCopier::pass() {
  for (std::size_t i = 0; i < folders_.size(); ++i) {
    if (same_file(folders_[i], location_)) continue;
    std::map<std::string, Seen> now;
    const std::error_code error = each_file(folders_[i], [&](const fs::path& path, const std::string& name) {
      std::error_code gone;
      const Seen seen{fs::file_size(path, gone), fs::last_write_time(path, gone)};
      if (gone) return;
      const auto before = copied_[i].find(name);
      if (before == copied_[i].end() || before->second != seen) copy_whole(path, location_ / name);
      now[name] = seen;
    });
    // A folder that is gone or cannot be read says nothing about its files; the location outlives it.
    if (error == std::errc::no_such_file_or_directory) continue;
    if (error) throw system_error(error.value(), "cannot read {}", folders_[i].string());
    for (const auto& [name, seen] : copied_[i]) {
      std::error_code ignored;
      if (!now.contains(name)) fs::remove(location_ / name, ignored);
    }
    copied_[i] = std::move(now);
  }
}

}  // namespace smtrain::run::training_job
