// For people: short lines with the time since the start.
#include <chrono>

#include "base/text.h"
#include "run/console/render.h"

namespace smtrain::run {
namespace {

class TextRenderer final : public Renderer {
 public:
  TextRenderer(bool color, bool verbose) : color_(color), verbose_(verbose) {}

  Rendered log(Level level, std::string_view line) override {
    switch (level) {
      case Level::debug:
      case Level::detail: return {"", stamp() + dim(line) + "\n"};
      case Level::info: return {"", fmt::format("{}{}\n", stamp(), line)};
      case Level::warning: return {"", fmt::format("{}{} {}\n", stamp(), paint("33", "warning:"), line)};
      case Level::error: return {"", fmt::format("{}{} {}\n", stamp(), paint("31", "error:"), line)};
    }
    return {};
  }
  Rendered service(std::string_view) override { return {}; }
  Rendered error(std::string_view problem) override {
    return {"", fmt::format("smtrain: {} {}\n", paint("31", "error:"), problem)};
  }
  Rendered stopped(std::string_view message) override { return {"", fmt::format("smtrain: {}\n", message)}; }
  Rendered quality(const job::Quality& m) override {
    if (m.model || (m.batch && !verbose_)) return {};
    const std::string batch = m.batch ? fmt::format(", mini-batch {}", *m.batch + 1) : "";
    const std::string epoch = m.epoch ? fmt::format(" (epoch {}{})", *m.epoch + 1, batch) : "";
    return {"", fmt::format("{}{} {}{}\n", stamp(), paint("1", published_name(m)), fmt::format("{:.8g}", m.value), epoch)};
  }
  Rendered evaluation(const job::Evaluation& e) override {
    if (!e.line.empty()) return {"", stamp() + e.line + "\n"};
    Rendered all;
    for (const job::Quality& m : e.metrics) all.err += quality(m).err;
    return all;
  }
  Rendered early_stopping(std::int64_t epoch, std::string_view criterion, double value) override {
    if (!verbose_) return {};
    return {"", fmt::format("{}early stopping goes by {}: {:.8g} (epoch {})\n", stamp(), criterion, value, epoch + 1)};
  }
  Rendered iterator(const job::IteratorStats&) override { return {}; }
  Rendered throughput(double rate, std::int64_t) override {
    return {"", fmt::format("{}{}, {} rows/s\n", stamp(), epochs_, grouped(static_cast<std::uint64_t>(rate)))};
  }
  Rendered epochs_completed(std::int64_t done, std::int64_t total) override {
    epochs_ = fmt::format("epoch {} of {}", done, total);  // said with the throughput, which follows
    return {};
  }
  Rendered timings(const std::map<std::string, Timing>& timings, std::optional<std::int64_t>, double) override {
    if (!verbose_) return {};
    Rendered r;
    for (const auto& [name, t] : timings) r.err += stamp() + dim(fmt::format("{} {:.1f} ms", name, t.sum)) + "\n";
    return r;
  }

 private:
  std::string paint(std::string_view code, std::string_view text) const {
    return color_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
  }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string stamp() const {
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return dim(s < 100 ? fmt::format("[{:5.2f}s]", s) : fmt::format("[{}]", format_duration(s))) + " ";
  }

  const bool color_, verbose_;
  std::string epochs_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

std::unique_ptr<Renderer> make_text_renderer(bool color, bool verbose) { return std::make_unique<TextRenderer>(color, verbose); }

}  // namespace smtrain::run
