// smtrain: flags in, a call, an exit code.

#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <memory>
#include <new>
#include <optional>

#include "base/error.h"
#include "base/signals.h"
#include "commands.h"
#include "compute/libraries.h"
#include "run/describe/describe.h"

namespace smtrain::cmd {
namespace {

struct Command {
  const char* name;
  void (*run)(CommandLine&, Session&);
  bool uses_settings;  // environment and configuration are read
  bool computes;       // in parallel regions
  bool joins;          // what a launcher started several times is one run
};

constexpr Command kTrainAlgorithm = {"", train_algorithm, true, true, true};
constexpr Command kCommands[] = {
    {"train", train, true, true, true},                 {"transform", transform, true, true, false},
    {"convert", convert, true, true, false},            {"inspect", inspect, true, true, false},
    {"info", info, true, true, false},                  {"algorithms", algorithms, false, false, false},
    {"completion", completion, false, false, false},    {"version", version, false, false, false},
    {"documents", documents, false, false, false},
};

const Command* find_command(const CommandLine& line) {
  if (!line.command || line.has("help")) return nullptr;
  if (line.command->algorithm) return &kTrainAlgorithm;
  for (const Command& command : kCommands)
    if (line.command->name == command.name) return &command;
  return nullptr;
}

/// A file opened for reading or writing must not become standard output by accident: a closed stream is filled with one
/// that refuses what is asked of it, so that lost output is still an error.
void fill_closed_streams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) == -1) (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

Error error_of(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return e;
  } catch (const std::bad_alloc&) {
    return machine_error("out of memory; give a smaller --memory-limit, or more memory");
  } catch (const std::exception& e) {
    return internal_error("a fault of smtrain: {}", e.what());
  }
}

/// The end of a run that threw: reported by one of its ranks, and left in a guest's tree; returns the exit code.
int end_with(const Error& error, run::Console& console, run::Ranks& ranks, const run::contract::Guest* guest) {
  console.finish();
  return ranks.end(error, console, [&](const Error& told) {
    try {
      if (guest) run::contract::leave_failure(guest->layout(), told);
    } catch (const Error& unwritable) {
      console.report(unwritable);
    }
  });
}

void run_command(const Command* command, CommandLine& line, Session& session) {
  if (line.has("help")) {
    session.throw_problems();
    session.console().print(line.command ? run::help_of(*line.command) : run::help_overview());
  } else if (command) {
    if (!command->uses_settings) session.throw_problems();
    command->run(line, session);
  } else {
    session.throw_problems();
    throw internal_error("subcommand {} has no code", line.command->name);
  }
}

/// Runs the command under a console of its own; what keeps the console from being made is reported on a plain one.
int run(int argc, char** argv) {
  fill_closed_streams();
  CommandLine line;
  std::optional<run::contract::Guest> guest;
  run::Ranks ranks;
  std::optional<Session> session;
  try {
    line = parse(std::vector<std::string>(argv + (argc > 0), argv + argc));
    if (argc > 0) line.program = argv[0];
    const Command* command = find_command(line);
    if (command && command->run == train && !is_host(line)) guest.emplace(run::contract::guest_layout(line.text("root")));
    if (command && command->computes && line.problems.empty() && compute::set_up_libraries()) {
      execv("/proc/self/exe", argv);  // where that fails we run on, only slower and less kind
    }
    install_signal_handlers();
    if (command && command->joins) ranks = run::Ranks(dist::launch());
    session.emplace(line, command && command->uses_settings, ranks, guest ? &*guest : nullptr);
    run_command(command, line, *session);
    session->console().finish();
    ranks.leave();
    return 0;
  } catch (...) {
    const Error error = error_of(std::current_exception());
    const std::unique_ptr<run::Console> plain = session ? nullptr : run::make_console({});
    return end_with(error, session ? session->console() : *plain, ranks, guest && !line.has("dry-run") ? &*guest : nullptr);
  }
}

}  // namespace
}  // namespace smtrain::cmd

int main(int argc, char** argv) { return smtrain::cmd::run(argc, argv); }
