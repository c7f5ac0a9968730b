// Ranks: the processes of a training run that a launcher started, from their connection to their common end.
#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "dist/group.h"
#include "dist/launch.h"
#include "run/console/console.h"
#include "run/flags/settings.h"

namespace smtrain::run {

/// Of a lone process everything here is nothing. Used by the main thread alone.
class Ranks {
 public:
  /// One process, whoever started it.
  Ranks() = default;
  explicit Ranks(const dist::Launch& launch) : launch_(launch) {}

  /// Connects the processes, if there are several; throws what dist::connect throws. console outlives the ranks.
  void connect(Console& console);
  /// nullptr: one process.
  dist::Communicator* communicator() { return group_.get(); }
  /// What of the machine this rank may use, its neighbours considered; they are counted at connect().
  Available available() const;
  /// Rank 0 tells what all have to tell; the others speak of their own errors only.
  bool tells() const { return launch_.rank == 0; }

  /// The end of a run that went well on this rank; throws when it did not on another.
  void leave();
  /// The end of a run that has thrown `error` here: one rank reports it, and all end with its exit code, which is returned, or
  /// are ended from here. Every rank that knows what has happened first leaves word of it for itself.
  int end(const Error& error, Console& console, const std::function<void(const Error&)>& leave_word);

 private:
  int end_unconnected(const Error& error, Console& console, const std::function<void(const Error&)>& leave_word);

  dist::Launch launch_;
  std::unique_ptr<dist::Group> group_;
  std::uint64_t cpus_ = 1;       // of the affinity mask, less the shares of neighbours
  std::uint64_t neighbours_ = 1;  // ranks on this machine, this one among them
};

/// How many CPUs of its affinity mask a process has to itself, when those on its machine have `masks` (ascending, its own among
/// them): shared ones count in part. At least 1.
std::uint64_t cpus_of_one(const std::vector<int>& own, const std::vector<std::vector<int>>& masks);

}  // namespace smtrain::run
