// The subcommands: each turns a command line into a call of lib/run. All throw Error.
#pragma once

#include "session.h"

namespace smtrain::cmd {

/// Any algorithm of the registry.
void train_algorithm(CommandLine& line, Session& session);

/// The algorithm, settings and channels of a tree of the container contract.
void train(CommandLine& line, Session& session);

/// The other meanings of that subcommand: --job and --stop. Whether the line has one of them.
bool is_host(const CommandLine& line);
/// Adds a problem for each flag that goes with another meaning than the line's.
void check_train_flags(CommandLine& line);
void train_job(CommandLine& line, Session& session);

void transform(CommandLine& line, Session& session);
void convert(CommandLine& line, Session& session);
void inspect(CommandLine& line, Session& session);
void info(CommandLine& line, Session& session);
void algorithms(CommandLine& line, Session& session);
void completion(CommandLine& line, Session& session);
void version(CommandLine& line, Session& session);
void documents(CommandLine& line, Session& session);

}  // namespace smtrain::cmd
