#include "run/console/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kCells = 24;

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60) : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

std::string ProgressBar::line(const job::Progress& p, double seconds, bool bar) {
  std::string text(p.phase);
  if (p.fraction >= 0) {
    const double fraction = std::clamp(p.fraction, 0.0, 1.0);
    if (bar) {
      const auto full = static_cast<std::size_t>(fraction * kCells);
      text += " [" + std::string(full, '#') + std::string(kCells - full, '-') + "]";
    }
    text += fmt::format(" {:3.0f}%", 100 * fraction);
  }
  if (seconds > 0) text += fmt::format("  {} rows/s", grouped(static_cast<std::uint64_t>(static_cast<double>(p.records) / seconds)));
  if (p.loss) text += fmt::format("  loss {:.6g}", *p.loss);
  if (p.fraction > 0) text += fmt::format("  {} left", clock_text(seconds * (1 - std::min(p.fraction, 1.0)) / p.fraction));
  return text;
}

std::string ProgressBar::update(const job::Progress& progress) {
  const Clock::time_point now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (since < (terminal_ ? 0.1 : 30.0)) return "";
  last_ = now;
  const std::string text = line(progress, std::chrono::duration<double>(now - start_).count(), terminal_);
  if (!terminal_) return text;
  drawn_ = true;
  return "\r\033[K" + text;
}

std::string ProgressBar::clear() {
  if (!drawn_) return "";
  drawn_ = false;
  return "\r\033[K";
}

}  // namespace smtrain::run
