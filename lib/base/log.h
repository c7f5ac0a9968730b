// The log interface: what the levels mean, and nothing about where lines go. lib/run implements it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtrain {

enum class Level {
  debug,    ///< settings and their origins: with -v
  detail,   ///< steps on the way: in the service's log and with -v
  info,     ///< what was chosen and why
  warning,  ///< the result may differ from what was meant
  error,    ///< the run ends
};

/// Receives finished lines. Implementations are thread-safe.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(Level level, std::string_view line) = 0;

  template <class... A>
  void debug(fmt::format_string<A...> format, A&&... args) {
    write(Level::debug, fmt::format(format, std::forward<A>(args)...));
  }
  template <class... A>
  void detail(fmt::format_string<A...> format, A&&... args) {
    write(Level::detail, fmt::format(format, std::forward<A>(args)...));
  }
  template <class... A>
  void info(fmt::format_string<A...> format, A&&... args) {
    write(Level::info, fmt::format(format, std::forward<A>(args)...));
  }
  template <class... A>
  void warning(fmt::format_string<A...> format, A&&... args) {
    write(Level::warning, fmt::format(format, std::forward<A>(args)...));
  }
};

/// Swallows everything.
class NullLog final : public Log {
 public:
  void write(Level, std::string_view) override {}
};

/// Keeps everything, for tests and for callers that decide later. Not thread-safe.
class CollectedLog final : public Log {
 public:
  void write(Level level, std::string_view line) override { lines.emplace_back(level, line); }
  std::vector<std::pair<Level, std::string>> lines;
};

}  // namespace smtrain
