// Errors: whose fault, in the user's words, with the process's exit code.
//
// Anything that another input could cure is the user's fault: a hyperparameter, a channel, a record, a model file. A full
// disk or a missing library is the machine's; a broken promise inside smtrain is internal. Errors are thrown anywhere,
// carried out of threads by ExceptionTrap, and printed once, in main.
#pragma once

#include <fmt/format.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace smtrain {

enum class Fault {
  user,         ///< exit 2
  machine,      ///< exit 1: disk full, out of memory, a library that is not there
  internal,     ///< exit 1: a fault of smtrain
  stopped,      ///< exit 75: stopped with a checkpoint, run again to go on
  interrupted,  ///< exit 128 + signal: stopped without one
};

/// One or several problems of one stage, reported together.
///
/// A message reads: where, what was found, what was expected, what to do; for example
/// `train/part-0.csv:118: column 3: "abc" is not a number; expected 12 numeric columns`. Lower case, no full stop.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, std::vector<std::string> problems, int signal = 0);
  Error(Fault fault, std::string problem) : Error(fault, std::vector<std::string>{std::move(problem)}) {}

  Fault fault() const { return fault_; }
  const std::vector<std::string>& problems() const { return problems_; }
  int exit_code() const;

 private:
  Fault fault_;
  int signal_;
  std::vector<std::string> problems_;
};

template <class... A>
[[nodiscard]] Error user_error(fmt::format_string<A...> format, A&&... args) {
  return Error(Fault::user, fmt::format(format, std::forward<A>(args)...));
}
template <class... A>
[[nodiscard]] Error machine_error(fmt::format_string<A...> format, A&&... args) {
  return Error(Fault::machine, fmt::format(format, std::forward<A>(args)...));
}
template <class... A>
[[nodiscard]] Error internal_error(fmt::format_string<A...> format, A&&... args) {
  return Error(Fault::internal, fmt::format(format, std::forward<A>(args)...));
}

/// errno in words ("No space left on device"), safe from any thread.
std::string errno_text(int error_number);

/// Whose fault a failed system call on a file is: a path that cannot be read or written is the user's (ENOENT, EACCES,
/// EISDIR, ...), everything else (ENOSPC, EIO, EDQUOT, ...) the machine's.
Fault fault_of_errno(int error_number);

/// Carries the first exception out of a thread or an OpenMP region; "first" by the order key, so that with several failing
/// workers the report does not depend on timing. Thread-safe.
class ExceptionTrap {
 public:
  /// Runs `body`; keeps what it throws if no smaller `order` has thrown.
  template <class F>
  void run(std::size_t order, F&& body) noexcept {
    try {
      body();
    } catch (...) {
      keep(order, std::current_exception());
    }
  }
  bool caught() const;
  /// Rethrows what was kept, if anything.
  void rethrow() const;

 private:
  void keep(std::size_t order, std::exception_ptr e) noexcept;
  std::size_t order_ = static_cast<std::size_t>(-1);
  std::exception_ptr error_;
};

}  // namespace smtrain
