#include "run/training_job/job_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/system_error.h"
#include "base/text.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

// What a runner leaves; nothing else is ever removed.
constexpr const char* kLock = ".lock";
constexpr const char* kOwn[] = {"description.json", "job.json", "metrics.jsonl", "logs", "output", "work", "stop"};

// What is left of a whole-or-absent output when its writer is killed.
bool is_temporary(const std::string& name) {
  for (const char* target : {"description.json", "job.json", "model.tar.gz", "output.tar.gz"}) {
    if (name.starts_with(fmt::format(".{}.tmp-", target))) return true;
  }
  return false;
}

// A runner may be killed before it has described its job.
bool is_begun(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name != kLock && !is_temporary(name)) return true;
  }
  return bool{error};
}

void remove_temporaries(const fs::path& folder) {
  std::error_code error, ignored;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (is_temporary(at->path().filename().string())) fs::remove(at->path(), ignored);
  }
}

fs::path nearest_existing(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace

JobFolder::JobFolder(fs::path path, bool overwrite) : path_(std::move(path)), overwrite_(overwrite) {
  std::error_code ignored;
  const fs::path base = nearest_existing(path_);
  if (!fs::is_directory(base, ignored))
    throw user_error("OutputDataConfig.S3OutputPath: {} is no folder", smtrain::quoted(base.string(), 4096));
  if (::access(base.c_str(), W_OK) != 0)
    throw user_error("OutputDataConfig.S3OutputPath: {} cannot be written", smtrain::quoted(base.string(), 4096));
  if (overwrite_ || !fs::exists(path_, ignored)) return;
  earlier_ = read_description(path_);
  if (!earlier_ && !is_begun(path_)) return;
  if (!earlier_)
    throw user_error("{}: is there and holds no training job; give another TrainingJobName, or --overwrite", path_.string());
  if (!earlier_->resumable) {
    const std::string why = earlier_->secondary_status == earlier_->status ? ""
        : fmt::format(" ({})", earlier_->secondary_status);
    throw user_error("{}: this job is {}{}; give another TrainingJobName, or --overwrite", path_.string(), earlier_->status, why);
  }
}

void JobFolder::open(Log& log) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw system_error(error.value(), "cannot make the folder {}", path_.string());
  lock();
  if (overwrite_) {
    for (const char* name : kOwn) {
      fs::remove_all(path_ / name, error);
      if (error) throw system_error(error.value(), "cannot remove {}", (path_ / name).string());
    }
  }
  remove_marker();
  remove_temporaries(path_);
  remove_temporaries(path_ / "output");
  if (earlier_) log.info("{}: goes on; it was {} ({})", path_.string(), earlier_->status, earlier_->secondary_status);
}

void JobFolder::remove_marker() {
  std::error_code ignored;
  fs::remove(marker(), ignored);
}

// Where the file system has no locks, two runners of one job are the user's to avoid.
void JobFolder::lock() {
  const std::string file = (path_ / kLock).string();
  lock_ = UniqueFd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock_) throw system_error(errno, "cannot write {}", file);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw user_error("{}: another process runs this job now", path_.string());
  }
}

}  // namespace smtrain::run::training_job
