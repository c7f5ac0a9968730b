// Process: a program in a process group of its own, whose output arrives line by line.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.h"

namespace smtrain::run::training_job {

struct Program {
  std::vector<std::string> arguments;              ///< the first is looked up in PATH
  std::map<std::string, std::string> environment;  ///< all of it
  std::string folder;                              ///< to start in
  bool launcher = false;                           ///< its children, each in a group of its own, are what does the work
};

/// Standard input is empty; output and errors come as one stream, interleaved as written; no other descriptor is handed on. The
/// group is killed when this process ends, however that happens. What leaves the group and loses its parent becomes a child of
/// this process: see end_orphans(). Not thread-safe.
class Process {
 public:
  using TakeLine = std::function<void(std::string_view)>;

  /// Starts the program. `take` is called from a thread of its own, without line ends, with at most 64 KiB at a time. Throws a
  /// user Error when the program cannot be started.
  Process(const Program& program, TakeLine take);
  /// Kills the group if the program still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// The exit code once the program has ended and its output is read: 128 + N after signal N. Whatever it left running is killed.
  std::optional<int> poll();
  /// SIGTERM to the group; to a launcher's children, which it would give a second to end in.
  void terminate();
  /// SIGKILL to the group. A launcher's children end with it or become this process's.
  void kill();

 private:
  void end();
  void read_output();
  void take(std::string_view bytes, std::string& line);

  const bool launcher_;
  pid_t pid_ = -1, guard_ = -1;
  TakeLine take_;
  UniqueFd output_, wake_read_, wake_write_, guard_write_;
  std::thread reader_;
  std::optional<int> code_;
};

/// Kills and reaps all children of this process, which are what programs have left running. No Process may be alive.
void end_orphans();

}  // namespace smtrain::run::training_job
