// What help, man pages, reference pages and completion have in common: how a flag is spelled and what is said about it.
// Private to lib/run.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "run/console/text_table.h"
#include "run/flags/flags.h"

namespace smtrain::run {

constexpr std::size_t kHelpWidth = kTextWidth;

/// A paragraph of lines of kHelpWidth, each behind `indent` blanks.
std::string paragraph(std::string_view text, std::size_t indent);

/// Two columns: the term, and its explanation wrapped beside it, or below when the term is long.
std::string two_columns(std::string_view term, std::string_view explanation, std::size_t column);

/// A flag or hyperparameter, ready to be printed.
struct Entry {
  std::string letter;     ///< "-o" or ""
  std::string name;       ///< "--output", "PATH" for a positional
  std::string metavar;    ///< "PATH", "" for a switch
  std::string text;       ///< sentences: meaning, values, default
  std::vector<std::string> values;  ///< for completion
  bool is_path = false;
  bool repeatable = false;

  /// "-o, --output PATH".
  std::string term() const;
};

Entry entry_of(const Flag& flag);
Entry entry_of(const job::Hyperparameter& parameter);
Entry entry_of_positional(const Flag& flag);

/// A group of entries under a heading.
struct Section {
  std::string title;
  std::string note;  ///< a sentence before the entries, or ""
  std::vector<Entry> entries;
};

/// What a subcommand takes: channels, hyperparameters, options, common options. Names internal to the service are left out.
std::vector<Section> sections_of(const Subcommand& command);

/// "auto", "true", the names of a choice: what may be written for a hyperparameter, where it can be listed.
std::vector<std::string> values_of(const job::Hyperparameter& parameter);

/// Whether a name is one of the service's internal ones (a leading underscore) without effect here.
bool internal(const job::Hyperparameter& parameter);

struct Term {
  std::string name, text;
};

/// Exit codes with their meaning.
std::vector<Term> exit_codes();
/// Environment variables that are read, with their effect.
std::vector<Term> environment_variables();

}  // namespace smtrain::run
