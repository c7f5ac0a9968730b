#include "parser.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "base/text.h"

namespace smtrain::cmd {
namespace {

using Arguments = std::vector<std::string>;

/// One option of a subcommand as CLI11 and the tables know it.
struct Entry {
  std::string name;
  const run::Flag* flag = nullptr;
  const job::Hyperparameter* hyperparameter = nullptr;
  CLI::Option* option = nullptr;

  bool takes_value() const { return hyperparameter || flag->value != run::FlagValue::none; }
  std::string metavar() const { return flag && !flag->metavar.empty() ? flag->metavar : "VALUE"; }
};

std::string dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool is_long(const std::string& argument) { return argument.size() > 2 && argument.starts_with("--"); }

/// "--mini_batch-size=5" → "mini-batch-size".
std::string key_of(const std::string& argument) { return dashes(argument.substr(2, argument.find('=') - 2)); }

void each_flag(const run::Subcommand& command, const std::function<void(const run::Flag&)>& visit) {
  for (const run::Flag& flag : command.flags) visit(flag);
  for (const run::Flag& flag : run::common_flags()) visit(flag);
}

void each_hyperparameter(const run::Subcommand& command,
                         const std::function<void(const std::string&, const job::Hyperparameter&)>& visit) {
  if (!command.algorithm) return;
  for (const job::Hyperparameter& h : command.algorithm->description().hyperparameters.entries()) {
    visit(h.name, h);
    for (const std::string& alias : h.aliases) visit(alias, h);
  }
  for (const job::Hyperparameter& h : job::internal_hyperparameters()) visit(h.name, h);
}

// ---- where the subcommand stands ---------------------------------------------------------------------------------------

/// Whether a flag typed before the subcommand takes the next argument: true when all subcommands that know it say so.
class Arities {
 public:
  Arities() {
    for (const run::Subcommand& command : run::subcommands()) {
      each_flag(command, [&](const run::Flag& flag) {
        note("--" + dashes(flag.name), flag.value != run::FlagValue::none);
        if (flag.letter) note(std::string("-") + flag.letter, flag.value != run::FlagValue::none);
      });
      each_hyperparameter(command, [&](const std::string& name, const auto&) { note("--" + dashes(name), true); });
    }
  }
  bool takes_next(const std::string& argument) const {
    if (argument.find('=') != std::string::npos) return false;
    auto found = takes_value_.find(is_long(argument) ? dashes(argument) : argument);
    return found != takes_value_.end() && found->second;
  }

 private:
  void note(const std::string& name, bool takes_value) {
    auto [at, fresh] = takes_value_.emplace(name, takes_value);
    if (!fresh) at->second = at->second && takes_value;
  }
  std::map<std::string, bool> takes_value_;
};

/// Index of the subcommand's name among the arguments, their number when there is none.
std::size_t find_subcommand_name(const Arguments& arguments) {
  if (arguments.empty() || !arguments[0].starts_with('-')) return 0;
  const Arities arities;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") return i + 1;
    if (!arguments[i].starts_with('-') || arguments[i] == "-") return i;
    if (arities.takes_next(arguments[i])) ++i;
  }
  return arguments.size();
}

// ---- one subcommand ----------------------------------------------------------------------------------------------------

/// Feeds the tables to CLI11, runs it, and judges the outcome by the tables.
class SubcommandParser {
 public:
  explicit SubcommandParser(CommandLine& line) : line_(line) { app_.set_help_flag(); }  // help is ours

  void run(Arguments arguments) {
    add_options();
    add_positionals(arguments.size());
    canonicalise(arguments);
    run_cli11(arguments);
    take_values();
    if (line_.has("help")) return;
    check_unknown();
    check_positionals();
    check_required();
  }

 private:
  void problem(std::string text) { line_.problems.push_back(std::move(text)); }

  Entry& entry(const std::string& name) {
    Entry& e = entries_[dashes(name)];
    if (e.name.empty()) e.name = name;
    return e;
  }

  void add_options() {
    each_flag(*line_.command, [&](const run::Flag& flag) {
      Entry& e = entry(flag.name);
      if (!e.flag) e.flag = &flag;
    });
    each_hyperparameter(*line_.command, [&](const std::string& name, const job::Hyperparameter& h) {
      Entry& e = entry(name);
      e.name = name;
      e.hyperparameter = &h;
    });
    for (auto& [key, e] : entries_) add_option(e);
  }

  void add_option(Entry& e) {
    std::string names = "--" + e.name;
    if (e.flag && e.flag->letter) names += std::string(",-") + e.flag->letter;
    e.option = e.takes_value() ? app_.add_option(names, CLI::callback_t([](const CLI::results_t&) { return true; }))
                               : app_.add_flag(names)->disable_flag_override();
    e.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);  // we count ourselves, to report all repetitions
  }

  // One option for each: CLI11 would take "[a,b]" apart in an option of several values.
  void add_positionals(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      positionals_.push_back(
          app_.add_option(fmt::format("positional{}", i), CLI::callback_t([](const CLI::results_t&) { return true; })));
  }

  /// Spells known flags as they were registered, and an empty value (--flag=) as an argument of its own.
  void canonicalise(Arguments& arguments) const {
    for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
      if (!is_long(arguments[i])) continue;
      auto known = entries_.find(key_of(arguments[i]));
      if (known == entries_.end()) continue;
      const std::size_t equals = arguments[i].find('=');
      const bool empty_value = equals + 1 == arguments[i].size();
      std::string rest = equals == std::string::npos || empty_value ? "" : arguments[i].substr(equals);
      arguments[i] = "--" + known->second.name + rest;
      if (empty_value) arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(++i), "");
    }
  }

  void run_cli11(const Arguments& arguments) {
    app_.allow_extras();
    try {
      app_.parse(Arguments(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ArgumentMismatch& e) {
      problem(mismatch(arguments, e));
    } catch (const CLI::ParseError& e) {
      problem(e.what());
    }
  }

  /// Either the last argument is a flag that lacks its value, or a flag without value was given one.
  std::string mismatch(const Arguments& arguments, const CLI::ArgumentMismatch& e) {
    for (const std::string& argument : arguments) {
      if (!is_long(argument) || argument.find('=') == std::string::npos) continue;
      auto known = entries_.find(key_of(argument));
      if (known != entries_.end() && !known->second.takes_value()) return "--" + known->second.name + " takes no value";
    }
    for (const auto& [key, candidate] : entries_)
      if (names(candidate, arguments.back())) {
        lacking_.push_back(candidate.name);
        return missing_value(candidate);
      }
    return e.what();
  }

  static std::string missing_value(const Entry& e) { return fmt::format("--{} needs a value: {}", e.name, e.metavar()); }

  static bool names(const Entry& e, const std::string& argument) {
    return argument == "--" + e.name || (e.flag && e.flag->letter && argument.size() > 1 && argument[0] == '-' &&
                                         argument[1] != '-' && argument.back() == e.flag->letter);
  }

  void take_values() {
    for (auto& [key, e] : entries_) {
      if (e.option->count() == 0) continue;
      std::vector<std::string> texts = e.option->results();
      if (!e.takes_value()) texts.assign(1, "");
      check_values(e, texts);
      if (e.hyperparameter) line_.hyperparameters.push_back({e.name, texts[0], "flag"});
      if (e.flag) line_.values[e.flag->name] = std::move(texts);
    }
    for (const CLI::Option* positional : positionals_)
      if (positional->count() > 0) line_.positionals.push_back(positional->results()[0]);
  }

  void check_values(const Entry& e, const std::vector<std::string>& texts) {
    const bool repeatable = !e.hyperparameter && e.flag->repeatable;
    if (texts.size() > 1 && !repeatable) {
      std::vector<std::string> shown;
      for (const std::string& text : texts) shown.push_back(smtrain::quoted(text));
      problem(fmt::format("--{} is given {} times ({}); give it once", e.name, texts.size(), join(shown, ", ")));
    }
    for (const std::string& text : texts) {
      if (is_long(text) && entries_.count(key_of(text))) {
        problem(fmt::format("{}; found the flag {} (write --{}={} if that is meant)", missing_value(e), text, e.name, text));
        lacking_.push_back(entries_.at(key_of(text)).name);
        confused_ = true;
      } else if (!e.hyperparameter) {
        check_choice("--" + e.name, *e.flag, text);
      }
    }
  }

  void check_choice(const std::string& what, const run::Flag& flag, const std::string& text) {
    if (flag.value != run::FlagValue::choice || flag.choices.empty()) return;
    if (std::find(flag.choices.begin(), flag.choices.end(), text) != flag.choices.end()) return;
    problem(fmt::format("{} is {}; expected one of {}{}", what, smtrain::quoted(text), join(flag.choices, ", "),
                        did_you_mean(text, flag.choices)));
  }

  void check_unknown() {
    for (const std::string& extra : app_.remaining()) {
      if (extra == "--") continue;
      confused_ = true;
      const std::string typed = extra.substr(0, extra.find('='));
      problem(fmt::format("unknown flag {}{}", smtrain::quoted(typed), is_long(typed) ? nearest_flag(typed.substr(2)) : ""));
    }
  }

  std::string nearest_flag(const std::string& typed) const {
    std::vector<std::string> candidates;
    for (const auto& [key, e] : entries_) candidates.push_back(e.name);
    const std::optional<std::string> nearest = nearest_name(typed, candidates);
    return nearest ? fmt::format("; did you mean --{}?", *nearest) : "";
  }

  void check_positionals() {
    const std::vector<run::Flag>& wanted = line_.command->positionals;
    const bool any_number = !wanted.empty() && wanted.back().repeatable;
    for (std::size_t i = 0; i < line_.positionals.size(); ++i) {
      if (i < wanted.size() || any_number)
        check_choice(wanted[std::min(i, wanted.size() - 1)].metavar, wanted[std::min(i, wanted.size() - 1)],
                     line_.positionals[i]);
      else if (!confused_)
        problem(fmt::format("unexpected argument {}", smtrain::quoted(line_.positionals[i])));
    }
    for (std::size_t i = line_.positionals.size(); i < wanted.size(); ++i)
      if (wanted[i].required) problem(fmt::format("missing argument {}", wanted[i].metavar));
  }

  void check_required() {
    for (const auto& [key, e] : entries_) {
      if (!e.flag || !e.flag->required || e.option->count() > 0 || given_as_channel(e.name)) continue;
      if (std::find(lacking_.begin(), lacking_.end(), e.name) != lacking_.end()) continue;
      problem(fmt::format("missing --{} {}", e.name, e.metavar()));
    }
  }

  /// --channel train=PATH is --train PATH.
  bool given_as_channel(const std::string& name) const {
    if (!line_.command->algorithm) return false;
    const std::vector<std::string> channels = line_.texts("channel");
    return std::any_of(channels.begin(), channels.end(), [&](const auto& text) { return text.starts_with(name + "="); });
  }

  CommandLine& line_;
  CLI::App app_;
  std::map<std::string, Entry> entries_;  // by name with dashes
  std::vector<CLI::Option*> positionals_;
  std::vector<std::string> lacking_;  // flags already complained about as without their value
  bool confused_ = false;             // stray arguments are likely values of flags that were misread
};

// ---- no subcommand, or the one named by `help` -------------------------------------------------------------------------

std::string unknown_subcommand(const std::string& name) {
  return fmt::format("unknown subcommand {}{}", smtrain::quoted(name), did_you_mean(name, run::subcommand_names()));
}

bool asks_for_help(const std::string& argument) { return argument == "--help" || argument == "-h" || argument == "help"; }

/// Without a subcommand only help and the version can be asked for.
void parse_without_subcommand(CommandLine& line) {
  const Arguments& arguments = line.arguments;
  if (arguments.empty() || std::any_of(arguments.begin(), arguments.end(), asks_for_help))
    line.values["help"] = {""};
  else if (std::find(arguments.begin(), arguments.end(), "--version") != arguments.end())
    line.command = run::find_subcommand("version");
  else
    line.problems.push_back("no subcommand is given");
}

/// smtrain help [NAME].
void parse_help(CommandLine& line, const Arguments& rest) {
  line.values["help"] = {""};
  for (const std::string& name : rest) {
    if (name.starts_with('-')) continue;
    line.command = run::find_subcommand(name);
    if (!line.command && name != "help") line.problems.push_back(unknown_subcommand(name));
    return;
  }
}

void add_hint(CommandLine& line) {
  if (line.problems.empty()) return;
  const bool known = line.command && !line.has("help");
  line.problems.back() += fmt::format(" (see smtrain {}--help)", known ? line.command->name + " " : "");
}

}  // namespace

std::optional<std::string> CommandLine::text(const std::string& flag) const {
  auto found = values.find(flag);
  if (found == values.end()) return std::nullopt;
  return found->second.front();
}

std::vector<std::string> CommandLine::texts(const std::string& flag) const {
  auto found = values.find(flag);
  return found == values.end() ? std::vector<std::string>{} : found->second;
}

CommandLine parse(const std::vector<std::string>& arguments) {
  CommandLine line;
  line.arguments = arguments;
  const std::size_t at = find_subcommand_name(arguments);
  if (at >= arguments.size()) {
    parse_without_subcommand(line);
  } else {
    Arguments rest = arguments;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
    if (at > 0 && rest[at - 1] == "--") rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at - 1));
    line.command = run::find_subcommand(arguments[at]);
    if (arguments[at] == "help")
      parse_help(line, rest);
    else if (line.command)
      SubcommandParser(line).run(std::move(rest));
    else
      line.problems.push_back(unknown_subcommand(arguments[at]));
  }
  add_hint(line);
  return line;
}

}  // namespace smtrain::cmd
