// Text made from the tables: help, man pages, reference pages, completion scripts, `algorithms`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "run/flags/flags.h"

namespace smtrain::run {

/// `smtrain --help`: usage, two examples, the subcommands by group.
std::string help_overview();
/// `smtrain NAME --help`: usage, two runnable examples, then channels, hyperparameters, flags.
std::string help_of(const Subcommand& command);

/// troff of smtrain.1 (all exit codes and variables) and smtrain-NAME.1.
std::string man_overview();
std::string man_of(const Subcommand& command);

/// Markdown reference page of an algorithm (share/doc/reference/NAME.md): hyperparameters with types, ranges, defaults and
/// tuning ranges, channels, metrics, model files.
std::string reference_page(const job::Description& description);
/// Markdown page of all flags, variables and exit codes (share/doc/reference/command-line.md).
std::string command_line_page();

/// Completion script of a shell: "bash", "zsh", "fish".
std::string completion_script(std::string_view shell);

/// `algorithms`: a table filtered by task and kind of data, either may be empty. Throws a user Error when nothing matches,
/// naming the known tasks and kinds.
std::string algorithms_table(std::string_view task, std::string_view data);
/// The same as JSON, with the service's algorithm specification of each (hyperparameter-validation.md §7).
std::string algorithms_json(std::string_view task, std::string_view data);

/// All generated documents: path below share/ → text. What `smtrain documents DIR` writes and a test compares.
std::vector<std::pair<std::string, std::string>> generated_documents();

}  // namespace smtrain::run
