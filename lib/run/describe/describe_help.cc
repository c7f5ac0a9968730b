#include "run/describe/describe.h"

#include <algorithm>

#include "base/error.h"
#include "run/describe/describe_text.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kColumn = 32;

// Shell lines are broken where the shell lets them be: before a flag, with a backslash, and after &&.
std::string command_lines(const std::string& command, std::size_t indent) {
  std::string out, line = std::string(indent, ' ');
  std::string_view rest = command;
  while (!rest.empty()) {
    const std::size_t both = rest.find(" && ", 1), next = std::min(rest.find(" -", 1), both == rest.npos ? both : both + 3);
    const std::string_view piece = rest.substr(0, next);
    if (line.size() + piece.size() > kHelpWidth - 2 && line.size() > indent) {
      out += line + (line.ends_with("&&") ? "\n" : " \\\n");
      line = std::string(indent + 3, ' ');
    }
    line += piece;
    rest.remove_prefix(piece.size());
  }
  return out + line + "\n";
}

std::string example_lines(std::span<const job::Example> examples) {
  std::string out = "Examples:\n";
  for (const job::Example& e : examples) out += "  # " + e.comment + "\n" + command_lines(e.command, 2);
  return out + "\n";
}

std::string section_lines(const Section& section) {
  std::string out = section.title + ":\n";
  if (!section.note.empty()) out += paragraph(section.note, 2);
  for (const Entry& e : section.entries) out += two_columns(e.term(), e.text, kColumn);
  return out + "\n";
}

std::vector<job::Example> overview_examples() {
  std::vector<job::Example> examples;
  for (const Subcommand& s : subcommands()) {
    if ((s.algorithm || s.name == "transform") && !s.examples.empty()) examples.push_back(s.examples.front());
    if (examples.size() == 2) break;
  }
  return examples;
}

// The synopsis, broken before a flag or a bracket.
std::string usage_lines(const Subcommand& command) {
  std::string out, line = "Usage:";
  for (const std::string& word : wrap(command.usage, 1)) {
    const bool breakable = word.starts_with('-') || word.starts_with('[');
    if (breakable && line.size() + 24 > kHelpWidth) {  // room for a flag and its value
      out += line + "\n";
      line.assign(9, ' ');
    }
    line += " " + word;
  }
  return out + line + "\n";
}

std::string subcommand_lines(const std::string& title, bool algorithms) {
  std::string out = title + ":\n";
  for (const Subcommand& s : subcommands()) {
    if ((s.algorithm != nullptr) == algorithms) out += two_columns(s.name, s.summary + ".", 20);
  }
  return out + "\n";
}

}  // namespace

std::string help_overview() {
  std::string out = "Usage: smtrain SUBCOMMAND [options]\n\n";
  out += example_lines(overview_examples());
  out += paragraph("Trains the built-in algorithms of Amazon SageMaker on any machine: the same hyperparameters, channels, data "
                   "formats, metric names and models.", 0) + "\n";
  out += subcommand_lines("Algorithms (train a model)", true);
  out += subcommand_lines("Other subcommands", false);
  out += "Common options:\n";
  for (const Flag& flag : common_flags()) {
    const Entry e = entry_of(flag);
    out += two_columns(e.term(), e.text, kColumn);
  }
  return out + "\nsmtrain SUBCOMMAND --help tells more.\n";
}

std::string help_of(const Subcommand& command) {
  std::string out = usage_lines(command) + "\n";
  out += example_lines(command.examples);
  out += paragraph(command.summary + ".", 0) + "\n";
  for (const std::string& text : command.about) out += paragraph(text, 0) + "\n";
  for (const Section& section : sections_of(command)) out += section_lines(section);
  out.pop_back();
  return out;
}

}  // namespace smtrain::run
