// JobLog: where the lines of all hosts go, and the metrics found in them.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "run/console/console.h"
#include "run/training_job/metric_search.h"

namespace smtrain::run::training_job {

struct FinalMetric {
  double value = 0, time = 0;  ///< seconds since 1970
};

struct JobLogOptions {
  std::filesystem::path folder;   ///< of the job: gets logs/<host>.log and metrics.jsonl, to which lines are added
  std::vector<std::string> hosts;
  std::vector<MetricDefinition> metrics;
  std::string metrics_file;       ///< a second file for metrics; "" none
};

/// Each line goes to its host's log as it is; numbers that the definitions find in it go to the metrics files as lines of JSON
/// and are kept as final values. Thread-safe. Throws when the folder cannot be written; lines that cannot be written later are
/// lost and told of once.
class JobLog {
 public:
  JobLog(const JobLogOptions& options, Console& console);

  /// `shown`: the line goes to the console, too, behind its host's name when there are several.
  void line(std::size_t host, std::string_view text, bool shown);

  std::map<std::string, FinalMetric> final_metrics() const;
  /// The last shown lines of a host, oldest first.
  std::vector<std::string> last_lines(std::size_t host) const;

 private:
  void append(int fd, const std::string& text);

  Console& console_;
  const std::vector<std::string> hosts_;
  const MetricSearch search_;
  mutable std::mutex mutex_;
  std::vector<UniqueFd> logs_, metrics_;
  std::vector<std::deque<std::string>> last_;
  std::map<std::string, FinalMetric> final_;
  bool told_ = false;
};

/// A console for a built-in that runs in this process: everything goes on to `console`, and as the service's own lines to the log
/// of host 0. Both outlive it.
std::unique_ptr<Console> make_job_console(Console& console, JobLog& log, const std::string& host,
                                          const std::string& algorithm_log_name);

}  // namespace smtrain::run::training_job
