// A console that keeps what it is told.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "run/console/console.h"

namespace smtrain::test {

/// Thread-safe while it collects; look at the members when the run is over.
class CollectingConsole final : public run::Console {
 public:
  void write(Level level, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines.emplace_back(level, line);
  }
  void quality(const job::Quality& metric) override {
    const std::lock_guard lock(mutex_);
    qualities.push_back(metric);
    final[metric.channel + ":" + metric.name] = metric.value;
  }
  void evaluation(const job::Evaluation&) override {}
  void early_stopping(std::int64_t, std::string_view, double) override {}
  void iterator(const job::IteratorStats& stats) override {
    const std::lock_guard lock(mutex_);
    iterators.push_back(stats);
  }
  void throughput(double, std::int64_t) override {}
  void epochs_completed(std::int64_t, std::int64_t) override {}
  void timing(std::string_view, double) override {}
  void flush_timings(std::optional<std::int64_t>) override {}
  void progress(const job::Progress& progress) override {
    const std::lock_guard lock(mutex_);
    fractions.push_back(progress.fraction);
    last_records = progress.records;
  }
  void print(std::string_view text) override { out += text; }
  void service(std::string_view line) override { service_lines.emplace_back(line); }
  void finish() override {}
  void report(const std::exception& error) override { errors += error.what(); }
  std::map<std::string, double> final_metrics() const override { return final; }
  std::uint64_t metrics_bytes() const override { return 0; }
  void continue_metrics(std::uint64_t, std::map<std::string, double> metrics) override { final = std::move(metrics); }

  /// All log lines of a level, one per line.
  std::string log(Level level) const {
    std::string text;
    for (const auto& [l, line] : lines) {
      if (l == level) text += line + "\n";
    }
    return text;
  }

  std::vector<std::pair<Level, std::string>> lines;
  std::vector<job::Quality> qualities;
  std::vector<job::IteratorStats> iterators;
  std::vector<std::string> service_lines;
  std::map<std::string, double> final;
  std::vector<double> fractions;
  std::uint64_t last_records = 0;
  std::string out, errors;

 private:
  std::mutex mutex_;
};

}  // namespace smtrain::test
