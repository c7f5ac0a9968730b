// Group: a Communicator over a Transport, and how its ranks end together.
//
// Before each operation the ranks compare what they are about to do, in one small exchange. A rank that cannot go on says so
// there, the others hear of it instead of waiting for ever, and all of them end with one rank's words. A rank that vanishes
// without a word is noticed by those on its node, and by the launcher.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "dist/communicator.h"
#include "dist/transport.h"
#include "dist/watch.h"

namespace smtrain::dist {

/// Why a rank could not go on.
struct Failure {
  Fault fault = Fault::internal;
  int signal = 0;  ///< of Fault::interrupted
  std::vector<std::string> problems;
};

/// How a run of several ranks ends after a failure.
struct Ending {
  Failure failure;      ///< with "rank 2: " before its problems, unless every rank failed
  bool speaks = false;  ///< this rank is the one that reports it
  bool agreed = false;  ///< all ranks know; else this rank ends the others
};

class Group : public Communicator {
 public:
  /// Tells the other ranks and hears whose failure ends the run: the lowest rank's of those that failed. Called at most once, by
  /// every rank whose work has thrown, for its own reason or because another failed.
  virtual Ending fail(const Failure& own) = 0;
  /// The last call of every rank, when all is well or the ending is agreed.
  virtual void leave() = 0;
  /// The last call of a rank whose ending is not agreed: ends all ranks, without asking them.
  [[noreturn]] virtual void abort(const Failure& failure) = 0;
};

struct GroupOptions {
  std::size_t max_message = std::size_t{64} << 20;  ///< bytes given to the transport at a time; larger ones are split
  double patience = 4;  ///< seconds that a failed rank waits for the others to hear of it
};

/// Collective: the ranks tell each other where they run. The transport asks `watch` while it waits; every rank has the same
/// options.
std::unique_ptr<Group> make_group(std::unique_ptr<Transport> transport, std::unique_ptr<Watch> watch, const GroupOptions& options);

}  // namespace smtrain::dist
