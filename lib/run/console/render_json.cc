// For machines: metrics as JSON Lines on standard output, logs as JSON Lines on standard error. Fields are added, never
// renamed.
#include <cmath>

#include "base/text.h"
#include "run/console/render.h"

namespace smtrain::run {
namespace {

class JsonRenderer final : public Renderer {
 public:
  Rendered log(Level level, std::string_view line) override {
    static constexpr const char* kNames[] = {"debug", "info", "info", "warning", "error"};
    return {"", message(kNames[static_cast<int>(level)], line)};
  }
  Rendered service(std::string_view) override { return {}; }
  Rendered error(std::string_view problem) override { return {"", message("error", problem)}; }
  Rendered stopped(std::string_view words) override { return {"", message("warning", words)}; }
  Rendered quality(const job::Quality& m) override {
    if (!std::isfinite(m.value)) return {};
    std::string line = begin(published_name(m)) + R"(,"value":)" + format_number(m.value);
    if (m.model) line += fmt::format(R"(,"model":{})", *m.model);
    if (m.batch) line += fmt::format(R"(,"batch":{})", *m.batch);
    return {finish(line, m.epoch), ""};
  }
  Rendered evaluation(const job::Evaluation& e) override {
    Rendered all;
    for (const job::Quality& m : e.metrics) all.out += quality(m).out;
    return all;
  }
  Rendered early_stopping(std::int64_t epoch, std::string_view criterion, double value) override {
    if (!std::isfinite(value)) return {};
    return {finish(begin("early_stopping_criteria") + fmt::format(R"(,"value":{},"criterion":{})", format_number(value), json_quoted(criterion)), epoch), ""};
  }
  Rendered iterator(const job::IteratorStats& s) override {
    std::string line = begin("records");
    line += fmt::format(R"(,"value":{},"iterator":{},"total":{},"batches":{})", s.records_since_reset, json_quoted(s.meta),
                        s.total_records, s.batches_since_reset);
    return {finish(line, s.epoch), ""};
  }
  Rendered throughput(double rate, std::int64_t epoch) override { return {metric("train:throughput", rate, epoch), ""}; }
  Rendered epochs_completed(std::int64_t done, std::int64_t total) override {
    return {metric("train:progress", 100.0 * static_cast<double>(done) / static_cast<double>(total), done - 1), ""};
  }
  Rendered timings(const std::map<std::string, Timing>& timings, std::optional<std::int64_t> epoch, double) override {
    Rendered r;
    for (const auto& [name, t] : timings) {
      std::string line = begin("time:" + name);
      line += fmt::format(R"(,"value":{},"unit":"ms","count":{},"min":{},"max":{})", format_number(t.sum), t.count,
                          format_number(t.min), format_number(t.max));
      r.out += finish(line, epoch);
    }
    return r;
  }

 private:
  static std::string begin(std::string_view name) {
    return fmt::format(R"({{"time":{:.3f},"metric":{})", wall_clock(), json_quoted(name));
  }
  static std::string finish(std::string line, std::optional<std::int64_t> epoch) {
    if (epoch) line += fmt::format(R"(,"epoch":{})", *epoch);
    return line + "}\n";
  }
  static std::string metric(std::string_view name, double value, std::optional<std::int64_t> epoch) {
    return finish(begin(name) + R"(,"value":)" + format_number(value), epoch);
  }
  static std::string message(std::string_view level, std::string_view text) {
    return fmt::format(R"({{"time":{:.3f},"level":"{}","message":{}}})", wall_clock(), level, json_quoted(text)) + "\n";
  }
};

}  // namespace

std::unique_ptr<Renderer> make_json_renderer() { return std::make_unique<JsonRenderer>(); }

}  // namespace smtrain::run
