// Watch: what a rank looks at while it waits for others, so that no wait outlives those it waits for.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "dist/transport.h"

namespace smtrain::dist {

struct WatchOptions {
  double after_signal = 8;  ///< seconds that others may take once a signal has asked this rank to stop
  double after_death = 1;   ///< seconds that the launcher has to end a group of which a process has died
};

/// Gives up by throwing an Error, for good: what was waited for never comes.
class Watch final : public Patience {
 public:
  enum class GaveUp {
    no,
    late,    ///< limit() has passed
    signal,  ///< this rank was asked to stop and the others do not come; it has nothing to say
    death,   ///< a process on this node has ended; its lowest living rank says so, the others have nothing to say
  };

  explicit Watch(const WatchOptions& options = {}) : options_(options) {}

  /// Where this process runs, in words for observe() of other ranks: processes see each other's end within one PID namespace.
  static std::string whereabouts();
  /// Watches those of the ranks that run here; all[i] are rank i's whereabouts.
  void observe(const std::vector<std::string>& all, int own_rank);
  /// Waits from now on end after so many seconds each; nullopt: as long as nobody dies.
  void limit(std::optional<double> seconds) { limit_ = seconds; }
  GaveUp gave_up() const { return gave_up_; }
  void waits(double seconds) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Peer {
    int rank = 0, pid = 0;
    UniqueFd end;  // readable once the process has ended
  };
  const Peer* dead_peer() const;
  bool is_lowest_alive() const;
  [[noreturn]] void give_up(GaveUp reason, const Error& error);

  const WatchOptions options_;
  std::vector<Peer> peers_;
  int own_rank_ = 0;
  std::optional<double> limit_;
  std::optional<Clock::time_point> signalled_, died_;
  GaveUp gave_up_ = GaveUp::no;
};

}  // namespace smtrain::dist
