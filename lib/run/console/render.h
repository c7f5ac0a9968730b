// Renderers: one per log format; each turns what happens into lines for standard error and standard output.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "job/metrics.h"
#include "run/console/console.h"

namespace smtrain::run {

/// Finished lines, newlines included.
struct Rendered {
  std::string out, err;
};

/// Times of one name, gathered.
struct Timing {
  std::int64_t count = 0;
  double sum = 0, min = 0, max = 0;
  void add(double milliseconds);
};

class Renderer {
 public:
  virtual ~Renderer() = default;
  virtual Rendered log(Level level, std::string_view line) = 0;
  /// Lines that only the service's own log has.
  virtual Rendered service(std::string_view line) = 0;
  virtual Rendered error(std::string_view problem) = 0;
  /// The last words of a run that was stopped, which is no error.
  virtual Rendered stopped(std::string_view message) = 0;
  virtual Rendered quality(const job::Quality& metric) = 0;
  virtual Rendered evaluation(const job::Evaluation& evaluation) = 0;
  virtual Rendered early_stopping(std::int64_t epoch, std::string_view criterion, double value) = 0;
  virtual Rendered iterator(const job::IteratorStats& stats) = 0;
  virtual Rendered throughput(double records_per_second, std::int64_t epoch) = 0;
  virtual Rendered epochs_completed(std::int64_t done, std::int64_t total) = 0;
  virtual Rendered timings(const std::map<std::string, Timing>& timings, std::optional<std::int64_t> epoch, double start) = 0;
};

std::unique_ptr<Renderer> make_text_renderer(bool color, bool verbose);
std::unique_ptr<Renderer> make_json_renderer();
std::unique_ptr<Renderer> make_sagemaker_renderer(const ConsoleOptions& options);

/// Seconds since 1970.
double wall_clock();
/// Published name: "test:msd".
std::string published_name(const job::Quality& metric);

}  // namespace smtrain::run
