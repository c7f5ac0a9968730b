// A run in a test: channels are files, measurements are kept.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "job/algorithm.h"

namespace smtrain::test {

class KeptMetrics final : public job::MetricSink {
 public:
  void quality(const job::Quality& m) override { qualities[m.channel + ":" + m.name] = m.value; }
  void evaluation(const job::Evaluation& e) override {
    if (!e.line.empty()) lines.push_back(e.line);
    for (const job::Quality& m : e.metrics) quality(m);
  }
  void early_stopping(std::int64_t, std::string_view, double) override {}
  void iterator(const job::IteratorStats& s) override { iterators.push_back(s); }
  void throughput(double, std::int64_t epoch) override { epochs_measured.push_back(epoch); }
  void epochs_completed(std::int64_t done, std::int64_t) override { epochs_done = done; }
  void timing(std::string_view name, double) override { timings.emplace_back(name); }
  void flush_timings(std::optional<std::int64_t>) override {}
  void progress(const job::Progress&) override {}

  std::map<std::string, double> qualities;
  std::vector<std::string> lines;  ///< of evaluations
  std::vector<job::IteratorStats> iterators;
  std::vector<std::int64_t> epochs_measured;
  std::vector<std::string> timings;
  std::int64_t epochs_done = 0;
};

class TestContext final : public job::Context {
 public:
  explicit TestContext(std::map<std::string, std::string> channels, int threads = 2)
      : channels_(std::move(channels)), threads_(threads), backend_(compute::make_cpu_backend(threads)),
        workers_(dist::make_single_process()) {}

  /// Another backend than the CPU's; before anything else.
  void use(std::unique_ptr<compute::Backend> backend) { backend_ = std::move(backend); }

  bool has_channel(const std::string& name) const override { return channels_.count(name) > 0; }
  std::unique_ptr<formats::TableStream> open_table(const std::string& channel, const job::TableRequest& request) override {
    formats::TableStreamOptions options;
    const std::string& path = channels_.at(channel);
    options.table.type = formats::parse_content_type(path.ends_with(".csv")      ? csv_type
                                                     : path.ends_with(".libsvm") ? "text/libsvm"
                                                                                 : "application/jsonlines");
    options.table.feature_dim = request.feature_dim;
    options.table.missing = missing;
    options.table.supervised = supervised;
    options.table.csv_weights = request.csv_weights;
    options.mini_batch_size = request.mini_batch_size;
    options.epochs = request.epochs;
    options.start = request.start;
    options.threads = threads_;
    options.cache_bytes = std::uint64_t{1} << 30;
    options.piece_bytes = piece_bytes;
    return formats::open_table_stream(path, false, options, log_kept);
  }
  compute::Backend& backend() override { return *backend_; }
  dist::Communicator& communicator() override { return *workers_; }
  job::MetricSink& metrics() override { return metrics_kept; }
  Log& log() override { return log_kept; }
  RandomStream random(std::string_view name) const override { return RandomStream(seed(), name); }
  std::uint64_t seed() const override { return run_seed; }
  std::uint64_t memory_limit() const override { return limit; }
  const job::Model* start_model() const override { return start; }
  const job::State* resumed() const override { return resume ? &*resume : nullptr; }
  /// Saves the state of safe point number `save_at` and ends the run there.
  bool safe_point(const job::Progress&, const job::SaveState& save) override {
    if (++safe_points != save_at) return true;
    save(saved);
    throw Error(Fault::stopped, "stopped by the test");
  }

  bool logged(std::string_view part) const {
    for (const auto& [level, line] : log_kept.lines) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  KeptMetrics metrics_kept;
  CollectedLog log_kept;
  formats::Missing missing = formats::Missing::refused;
  bool supervised = false;
  std::string csv_type = "text/csv;label_size=0";
  std::uint64_t run_seed = 1;
  std::uint64_t limit = std::uint64_t{1} << 32;
  std::uint64_t piece_bytes = std::uint64_t{64} << 20;
  const job::Model* start = nullptr;
  int safe_points = 0;
  int save_at = 0;
  job::State saved;
  std::optional<job::State> resume;

 private:
  std::map<std::string, std::string> channels_;
  int threads_;
  std::unique_ptr<compute::Backend> backend_;
  std::unique_ptr<dist::Communicator> workers_;
};

}  // namespace smtrain::test
