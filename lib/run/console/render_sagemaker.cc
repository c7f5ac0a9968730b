// The service's own log, line for line (comma and blank placement is part of the format): everything on standard output.
#include <fmt/chrono.h>
#include <pthread.h>

#include <cmath>
#include <ctime>

#include "base/text.h"
#include "run/console/render.h"

namespace smtrain::run {
namespace {

class SagemakerRenderer final : public Renderer {
 public:
  explicit SagemakerRenderer(const ConsoleOptions& options) : host_(options.host), algorithm_(options.algorithm_log_name) {}

  Rendered log(Level level, std::string_view line) override {
    static constexpr const char* kNames[] = {"DEBUG", "INFO", "INFO", "WARNING", "ERROR"};
    return {prefixed(kNames[static_cast<int>(level)], line), ""};
  }
  Rendered service(std::string_view line) override { return {prefixed("INFO", line), ""}; }
  Rendered error(std::string_view problem) override {
    return {prefixed("ERROR", problem), fmt::format("smtrain: error: {}\n", problem)};
  }
  Rendered stopped(std::string_view message) override {
    return {prefixed("WARNING", message), fmt::format("smtrain: {}\n", message)};
  }
  Rendered quality(const job::Quality& m) override {
    if (m.model) return model_quality(m);
    std::string where = fmt::format("host={}", host_);
    if (m.epoch) where += fmt::format(", epoch={}", *m.epoch);
    // No comma after batch=N: so it is in the service's log.
    where += m.batch ? fmt::format(", batch={} ", *m.batch) : std::string(", ");
    return {score_line(m) + prefixed("INFO", fmt::format("#quality_metric: {}{} {} <{}>={}", where, m.channel, m.name,
                                                         m.smaller_is_better ? "loss" : "score", format_number(m.value))),
            ""};
  }
  // As it is: XGBoost's own line.
  Rendered evaluation(const job::Evaluation& e) override { return {e.line.empty() ? "" : e.line + "\n", ""}; }
  Rendered early_stopping(std::int64_t epoch, std::string_view criterion, double value) override {
    return {prefixed("INFO", fmt::format("#early_stopping_criteria_metric: host={}, epoch={}, criteria={}, value={}", host_, epoch, criterion,
                                         format_number(value))),
            ""};
  }
  Rendered iterator(const job::IteratorStats& s) override {
    auto metric = [](std::string_view name, std::uint64_t value) {
      return fmt::format(R"("{0}": {{"sum": {1}.0, "count": 1, "min": {1}, "max": {1}}})", name, value);
    };
    const std::string metrics =
        metric("Total Records Seen", s.total_records) + ", " + metric("Total Batches Seen", s.total_batches) + ", " +
        metric("Max Records Seen Between Resets", s.max_records_between_resets) + ", " +
        metric("Max Batches Seen Between Resets", s.max_batches_between_resets) + ", " + metric("Reset Count", s.resets) + ", " +
        metric("Number of Records Since Last Reset", s.records_since_reset) + ", " +
        metric("Number of Batches Since Last Reset", s.batches_since_reset);
    return {metrics_line(s.start_time, s.epoch, meta(s.meta), metrics), ""};
  }
  Rendered throughput(double rate, std::int64_t) override {
    return {prefixed("INFO", fmt::format("#throughput_metric: host={}, train throughput={:.6f} records/second", host_, rate)), ""};
  }
  Rendered epochs_completed(std::int64_t done, std::int64_t total) override {
    return {prefixed("INFO", fmt::format("#progress_metric: host={}, completed {:.1f} % of epochs", host_,
                                         100.0 * static_cast<double>(done) / static_cast<double>(total))),
            ""};
  }
  Rendered timings(const std::map<std::string, Timing>& timings, std::optional<std::int64_t> epoch, double start) override {
    std::string metrics;
    for (const auto& [name, t] : timings) {
      if (!metrics.empty()) metrics += ", ";
      metrics += fmt::format(R"({}: {{"sum": {}, "count": {}, "min": {}, "max": {}}})", json_quoted(name), format_number(t.sum),
                             t.count, format_number(t.min), format_number(t.max));
    }
    return {metrics_line(start, epoch, "", metrics), ""};
  }

 private:
  std::string score_line(const job::Quality& m) const {
    if (!m.also_score) return "";
    return prefixed("INFO", fmt::format("#{}_score ({}) : ('{}', {})", m.channel, host_, m.name, format_number(m.value)));
  }
  static std::string prefixed(std::string_view level, std::string_view line) {
    std::tm utc{};
    const std::time_t now = std::time(nullptr);
    ::gmtime_r(&now, &utc);
    return fmt::format("[{:%m/%d/%Y %H:%M:%S} {} {}] {}\n", utc, level, static_cast<unsigned long>(::pthread_self()), line);
  }
  // One of the models that are trained side by side.
  Rendered model_quality(const job::Quality& m) const {
    const std::string metric = fmt::format(R"("{0}_{1}": {{"sum": {2}, "count": 1, "min": {2}, "max": {2}}})", m.channel, m.name,
                                           format_number(m.value));
    return {metrics_line(wall_clock(), m.epoch, fmt::format(R"(, "model": {})", *m.model), metric), ""};
  }
  static std::string meta(std::string_view name) { return name.empty() ? "" : fmt::format(R"(, "Meta": {})", json_quoted(name)); }
  /// `more`: further dimensions, each behind a comma.
  std::string metrics_line(double start, std::optional<std::int64_t> epoch, std::string_view more, std::string_view metrics) const {
    std::string dimensions = fmt::format(R"("Algorithm": {}, "Host": {}, "Operation": "training")", json_quoted(algorithm_),
                                         json_quoted(host_));
    if (epoch) dimensions += fmt::format(R"(, "epoch": {})", *epoch);
    dimensions += more;
    return fmt::format("#metrics {{\"StartTime\": {:.6f}, \"EndTime\": {:.6f}, \"Dimensions\": {{{}}}, \"Metrics\": {{{}}}}}\n\n",
                       start, wall_clock(), dimensions, metrics);
  }

  const std::string host_, algorithm_;
};

}  // namespace

std::unique_ptr<Renderer> make_sagemaker_renderer(const ConsoleOptions& options) {
  return std::make_unique<SagemakerRenderer>(options);
}

}  // namespace smtrain::run
