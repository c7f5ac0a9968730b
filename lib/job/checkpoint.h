// The checkpoints of a run: files checkpoint-000001, checkpoint-000002, ... of one folder, the newest two kept; see
// share/doc/checkpoints.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/log.h"
#include "job/checkpoint_file.h"

namespace smtrain::job {

struct FoundCheckpoint {
  std::string name;  ///< "checkpoint-000012"
  Checkpoint checkpoint;
};

/// The newest checkpoint of a folder that can be read; none when the folder is not there or holds none. A damaged one is passed
/// over with a warning that says what is wrong with it. Throws a user Error when there are some and all are damaged: starting
/// anew would lose what somebody may want back. Other files of the folder (temporaries, marks of a copier) are left alone.
/// `limit`: bytes a checkpoint may have.
std::optional<FoundCheckpoint> newest_checkpoint(const std::filesystem::path& folder, std::uint64_t limit, Log& log);

/// Writes the checkpoints of one run into a folder that it makes when it is not there. A second run in the same folder is refused
/// while the first is alive, by a lock on the file ".lock" where the file system knows locks. Temporaries that a killed run left
/// are removed. Checkpoints appear whole or not at all. Not thread-safe; the log is also used from the thread that writes.
class Checkpointer {
 public:
  /// `temporary_suffix` ends the names of temporaries and of the lock file, for copiers that watch the folder.
  Checkpointer(std::filesystem::path folder, std::string temporary_suffix, Log& log);
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;
  /// Waits for the write under way.
  ~Checkpointer();

  /// As newest_checkpoint; the one found is kept until two newer ones are written, whatever stands beside it.
  std::optional<FoundCheckpoint> newest(std::uint64_t limit);

  /// Writes and syncs; returns the name. Throws an Error that names the file and the cause.
  std::string write(const Checkpoint& checkpoint);
  /// Hands the write to a thread that does nothing but wait for the disk. A failure is a warning, since training can go on
  /// without. Waits for the one before, if that is still under way.
  void start_write(const Checkpoint& checkpoint);
  /// The name of the last one that this run has written, once the write under way is over; "" when there is none.
  std::string last_written();
  bool busy() const { return busy_.load(std::memory_order_acquire); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  class Lock;
  std::string next_name();
  void store(const std::string& name, const std::string& bytes);
  void remove_old(const std::string& newest);
  void wait();

  const std::filesystem::path folder_;
  const std::string suffix_;
  Log& log_;
  std::unique_ptr<Lock> lock_;
  std::uint64_t last_number_ = 0;
  std::set<std::string> whole_;  // written or read by this run
  std::string last_written_;
  std::thread writer_;
  std::atomic<bool> busy_{false};
};

}  // namespace smtrain::job
