// JobFolder: <output path>/<job name>/, one runner at a time.
#pragma once

#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/log.h"
#include "run/training_job/description.h"

namespace smtrain::run::training_job {

class JobFolder {
 public:
  /// What would be refused, before anything is made: a finished job of that name, a folder that is no job's, one that another
  /// runner has. `overwrite` lets a job's folder be emptied.
  JobFolder(std::filesystem::path path, bool overwrite);

  /// Makes the folder, or takes it over.
  void open(Log& log);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path marker() const { return path_ / "stop"; }
  void remove_marker();
  /// Of the job that goes on.
  const std::optional<Earlier>& earlier() const { return earlier_; }

 private:
  void lock();

  const std::filesystem::path path_;
  const bool overwrite_;
  std::optional<Earlier> earlier_;
  UniqueFd lock_;
};

}  // namespace smtrain::run::training_job
