// Checkpoints: the location that outlives the job, and the folder that a program knows.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"

namespace smtrain::run::training_job {

/// Copies everything at the location into the folder, which is made. The location need not exist.
void restore_checkpoints(const std::filesystem::path& location, const std::filesystem::path& folder);

/// Whether anything is there that a run could go on from.
bool has_checkpoint(const std::filesystem::path& location);

/// Propagates new, changed and removed files of the folders to the location, every five seconds and once at the end, each file
/// whole or not at all. Names ending in .sagemaker-ignore, .sagemaker-uploading or .sagemaker-uploaded are left alone.
class CheckpointCopier {
 public:
  CheckpointCopier(std::vector<std::filesystem::path> folders, std::filesystem::path location, Log& log);
  ~CheckpointCopier();
  /// The last pass; throws what keeps it from being complete.
  void finish();

 private:
  struct Seen {
    std::uintmax_t size = 0;
    std::filesystem::file_time_type time;
    bool operator==(const Seen&) const = default;
  };
  void run();
  void pass();

  const std::vector<std::filesystem::path> folders_;
  const std::filesystem::path location_;
  Log& log_;
  std::vector<std::map<std::string, Seen>> copied_;  // by folder
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false, warned_ = false;
  std::thread thread_;
};

}  // namespace smtrain::run::training_job
