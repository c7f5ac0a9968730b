// Tracker: brings the engine's workers together, for libraries that have none of their own (before 2.1).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/file.h"

namespace smtrain::xgboost {

struct TrackerOptions {
  std::string address = "127.0.0.1";  ///< IPv4, where it listens; 0.0.0.0: everywhere
  int workers = 1;
  std::string token;                  ///< before the rank in the name of each worker's task, so that strangers are told from them
  double patience = 60;               ///< seconds that a worker may take for what it has to say, and all of them to come
};

/// Listens from its construction on, on a thread of its own, and gives each worker the rank in the name of its task: TOKEN-RANK. Links
/// are made in the order of ranks, so that sums are combined in the same order in every run. Strangers are sent away. When a worker
/// fails, or they do not all come in time, all are sent away.
class Tracker {
 public:
  /// Throws a machine Error when the address cannot be listened at.
  explicit Tracker(const TrackerOptions& options);
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;
  /// Sends everybody away.
  ~Tracker();

  int port() const { return port_; }
  static std::string task_name(const std::string& token, int rank);
  /// Waits until all workers have said that they are done; false when that takes longer, or the tracker has failed.
  bool wait(double seconds);
  /// Why it has sent the workers away; empty when it has not.
  std::string failure() const;

 private:
  struct Worker {
    UniqueFd connection;
    std::string host;
  };
  using Clock = std::chrono::steady_clock;

  void run();
  void serve();
  void receive(UniqueFd connection, const std::string& host);
  void start_all();

  const TrackerOptions options_;
  int port_ = 0;
  UniqueFd listener_, stop_;
  std::map<int, Worker> pending_;  // by rank; the thread's
  bool started_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int done_ = 0;
  bool ended_ = false;
  std::string failure_;
  std::thread thread_;
};

}  // namespace smtrain::xgboost
