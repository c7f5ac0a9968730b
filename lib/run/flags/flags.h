// The flags of every subcommand as data: cmd/ feeds them to the parser, and help, man pages and completion come from them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "job/algorithm.h"

namespace smtrain::run {

enum class FlagValue { none, text, path, integer, bytes, duration, choice };

struct Flag {
  std::string name;       ///< "content-type"; typed --content-type or --content_type
  char letter = 0;        ///< -o, or 0
  FlagValue value = FlagValue::text;
  std::string metavar;    ///< "PATH"
  std::string help;       ///< sentence
  std::vector<std::string> choices;  ///< all values of a choice; of other kinds, values that completion suggests
  std::string default_text;
  bool repeatable = false;
  bool required = false;
  bool setting = false;   ///< may also come from SMTRAIN_<NAME> and from the user's config file
};

struct Subcommand {
  std::string name;
  std::vector<std::string> aliases;
  std::string summary;                  ///< one line
  std::string usage;                    ///< "smtrain kmeans --train PATH -o MODEL [options]"
  std::vector<std::string> about;       ///< paragraphs
  std::vector<Flag> flags;
  std::vector<Flag> positionals;
  std::vector<job::Example> examples;   ///< two or more, runnable
  const job::Algorithm* algorithm = nullptr;  ///< for the training subcommands: hyperparameters are flags too
};

/// Every subcommand, algorithms first; the same for the life of the process.
std::span<const Subcommand> subcommands();
const Subcommand* find_subcommand(std::string_view name);
std::vector<std::string> subcommand_names();

/// Flags that every subcommand has: help, quiet, verbose, no-color, threads, ....
std::span<const Flag> common_flags();

}  // namespace smtrain::run
