// The command line taken apart by the tables of run/flags.h. Parsing never throws: what is wrong is collected, so that
// all problems of a command line are reported together and --help works beside a mistake.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "job/hyperparameter.h"
#include "run/flags/flags.h"

namespace smtrain::cmd {

/// A parsed command line.
struct CommandLine {
  const run::Subcommand* command = nullptr;  ///< null: no subcommand, or an unknown one (then there is a problem)
  std::string program;                       ///< as started: argv[0]
  std::vector<std::string> arguments;        ///< as typed, without the program
  std::map<std::string, std::vector<std::string>> values;  ///< texts by the flag's name in the table; flags without value: ""
  std::vector<std::string> positionals;
  std::vector<job::Given> hyperparameters;   ///< in the order of the table, origin "flag"
  std::vector<std::string> problems;

  bool has(const std::string& flag) const { return values.count(flag) != 0; }
  /// The value of a flag that is given once.
  std::optional<std::string> text(const std::string& flag) const;
  /// All values of a repeatable flag, in the order typed.
  std::vector<std::string> texts(const std::string& flag) const;
};

/// Takes `arguments` (without the program's name) apart. Options stand anywhere, before the subcommand too where every
/// subcommand that knows the flag agrees on whether it has a value; `--` ends them; - and _ are the same in their names;
/// --flag=value and --flag value; -ofile and -o file. A hyperparameter that bears the name of a flag is both.
CommandLine parse(const std::vector<std::string>& arguments);

}  // namespace smtrain::cmd
