// Console: where everything a run says goes. Logs to standard error, metric lines to standard output and to --metrics,
// progress bar on a terminal. The one place that knows formats and streams.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "job/metrics.h"

namespace smtrain::run {

enum class LogFormat {
  text,       ///< people: text on standard error, nothing on standard output
  json,       ///< machines: metrics as JSON Lines on standard output, logs as JSON Lines on standard error
  sagemaker,  ///< the service's whole log on standard output
};

struct ConsoleOptions {
  LogFormat format = LogFormat::text;
  bool quiet = false;    ///< errors only
  bool mute = false;     ///< errors only, no metrics either: another process of the run tells the rest
  bool verbose = false;
  bool color_out = false, color_err = false;
  bool progress_bar = false;     ///< standard error is a terminal
  std::string metrics_file;      ///< "" none; appended live
  std::string host = "algo-1";
  std::string algorithm_log_name;  ///< of #metrics lines
};

/// Log and metric sink of a run. Thread-safe. Writing to a closed pipe on standard output throws an Error that ends the
/// run quietly.
class Console : public Log, public job::MetricSink {
 public:
  /// Requested data to standard output, as it is.
  virtual void print(std::string_view text) = 0;
  /// A line that only the service's own log has (--log-format sagemaker).
  virtual void service(std::string_view line) = 0;
  /// Removes the progress bar and flushes; called before the process ends and before an error is printed.
  virtual void finish() = 0;
  /// The error's problems, one per line, on standard error (and where the format wants it); a stop is told, but is no error.
  virtual void report(const std::exception& error) = 0;
  /// The final value of each quality metric so far by published name, for the manifest.
  virtual std::map<std::string, double> final_metrics() const = 0;

  // For runs that go on from a checkpoint:
  /// Bytes of --metrics written so far.
  virtual std::uint64_t metrics_bytes() const = 0;
  /// Cuts --metrics to what the checkpoint knew and appends to it; the final metrics are those given.
  virtual void continue_metrics(std::uint64_t bytes, std::map<std::string, double> final_metrics) = 0;
};

std::unique_ptr<Console> make_console(const ConsoleOptions& options);

/// Whether a stream gets colour: FORCE_COLOR, NO_COLOR, TERM=dumb, --no-color, terminal or not.
bool wants_color(int fd, bool no_color_flag);

}  // namespace smtrain::run
