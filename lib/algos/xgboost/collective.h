// Collective: the engine's own between the processes of a run, which its matrices and rounds then use by themselves.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "algos/xgboost/library.h"
#include "algos/xgboost/tracker.h"
#include "base/error.h"
#include "dist/communicator.h"

namespace smtrain::xgboost {

/// Joins the engine of this process and thread with those of the others, from its construction on; nothing where there is one process
/// alone. All calls are collective. A process that ends without finish() closes its links, so that the others' work fails instead of
/// waiting.
class Collective {
 public:
  /// Rank 0 runs a tracker, the engine's (from 2.1 on) or ours, on the loopback where all processes are on one host, else at
  /// the first address of rank 0's host that all reach. Throws a machine Error.
  Collective(const Library& library, dist::Communicator& workers);
  Collective(const Collective&) = delete;
  Collective& operator=(const Collective&) = delete;
  ~Collective();

  /// Does work in which the engines talk to each other. Where it fails, links are closed, so that the others' work fails too instead of
  /// waiting; where it fails because a link broke, what is thrown is the failure of the process that began, as `workers` tell it.
  template <class Work>
  decltype(auto) together(Work&& work) {
    try {
      return std::forward<Work>(work)();
    } catch (const Error& e) {
      leave();
      if (joined_ && tells_of_a_broken_link(e)) workers_.barrier();
      throw;
    }
  }

  /// All is done; waits for the others.
  void finish();

 private:
  class EnginesTracker;

  static bool tells_of_a_broken_link(const Error& error);
  std::string agree_on_address();
  std::string meet_at_own_tracker(const std::string& address);
  std::string meet_at_engines_tracker(const std::string& address);
  void join(const std::string& arguments);
  void leave();

  const Library& library_;
  dist::Communicator& workers_;
  std::unique_ptr<Tracker> tracker_;                 // of rank 0, one of the two
  std::unique_ptr<EnginesTracker> engines_tracker_;
  bool joined_ = false, linked_ = false;
};

/// IPv4 addresses of this host that others may reach, best first: those of its name, then those of its interfaces; no loopback.
std::vector<std::string> own_addresses();

}  // namespace smtrain::xgboost
