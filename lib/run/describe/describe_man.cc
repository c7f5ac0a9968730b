#include "run/describe/describe.h"

#include "run/describe/describe_text.h"

namespace smtrain::run {
namespace {

// Text as troff prints it: hyphens that can be copied, no accidental requests at the start of a line, and places where
// long words without a blank may be broken.
std::string troff(std::string_view text) {
  std::string out;
  if (!text.empty() && (text.front() == '.' || text.front() == '\'')) out += "\\&";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '\'') out += "\\(aq";
    else if (c == '`') out += "\\(ga";
    else if (c == '^') out += "\\(ha";
    else if (c == '~') out += "\\(ti";
    else out += c;
    if ((c == ',' || c == '|') && i + 1 < text.size() && text[i + 1] != ' ') out += "\\:";
  }
  return out;
}

std::string heading(const std::string& page, const std::string& summary) {
  std::string upper = page;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return ".\\\" Generated from the option tables by: smtrain documents\n.TH " + troff(upper) +
         " 1 \"\" \"smtrain\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\n" + troff(page) + " \\- " + troff(summary) + "\n";
}

std::string section(const std::string& title) { return ".SH \"" + troff(title) + "\"\n"; }

std::string tagged(const std::string& bold, const std::string& italic, const std::string& text) {
  std::string out = ".TP\n\\fB" + troff(bold) + "\\fR";
  if (!italic.empty()) out += " \\fI" + troff(italic) + "\\fR";
  return out + "\n" + troff(text) + "\n";
}

std::string tagged(const Entry& e) {
  return tagged(e.letter.empty() ? e.name : e.letter + ", " + e.name, e.metavar, e.text);
}

std::string example_text(std::span<const job::Example> examples) {
  std::string out = section("EXAMPLES");
  for (const job::Example& e : examples) {
    out += ".PP\n" + troff(e.comment) + ":\n.PP\n.RS 4\n.nf\n" + troff(e.command) + "\n.fi\n.RE\n";
  }
  return out;
}

std::string upper_title(std::string title) {
  for (char& c : title) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return title;
}

std::string terms(const std::string& title, const std::vector<Term>& all) {
  std::string out = section(title);
  for (const Term& t : all) out += tagged(t.name, "", t.text);
  return out;
}

std::string algorithm_text(const job::Description& d) {
  std::string out = section("METRICS");
  for (const job::MetricSpec& m : d.metrics) out += tagged(m.name, "", m.help);
  out += section("MODEL");
  for (const std::string& file : d.model_files) {
    const std::size_t colon = file.find(": ");
    out += tagged(file.substr(0, colon), "", colon == std::string::npos ? "" : file.substr(colon + 2));
  }
  if (d.papers.empty()) return out;
  out += section("LITERATURE");
  for (const std::string& paper : d.papers) out += ".PP\n" + troff(paper) + "\n";
  return out;
}

std::string subcommand_terms() {
  std::string out = section("SUBCOMMANDS");
  for (const Subcommand& s : subcommands()) out += tagged(s.name, "", s.summary + ". See smtrain-" + s.name + "(1).");
  return out;
}

}  // namespace

std::string man_overview() {
  std::string out = heading("smtrain", "train SageMaker's built-in algorithms anywhere");
  out += section("SYNOPSIS") + "\\fBsmtrain\\fR \\fISUBCOMMAND\\fR [\\fIoptions\\fR]\n";
  out += section("DESCRIPTION") +
         "Trains the built-in algorithms of Amazon SageMaker on any machine, with the same hyperparameters, channels, data\n"
         "formats, metric names and models. Results go to files, logs to standard error, metric lines and requested text to\n"
         "standard output. Outputs appear whole or not at all.\n";
  out += subcommand_terms();
  out += section("COMMON OPTIONS");
  for (const Flag& flag : common_flags()) out += tagged(entry_of(flag));
  out += ".PP\nOptions stand in any order; \\fB\\-\\-\\fR ends them, and \\- and _ are the same in their names.\n";
  out += terms("EXIT STATUS", exit_codes());
  out += terms("ENVIRONMENT", environment_variables());
  return out;
}

std::string man_of(const Subcommand& command) {
  std::string summary = command.summary;
  if (!summary.empty() && summary[0] >= 'A' && summary[0] <= 'Z') summary[0] = static_cast<char>(summary[0] - 'A' + 'a');
  std::string out = heading("smtrain-" + command.name, summary);
  out += section("SYNOPSIS") + troff(command.usage) + "\n";
  out += section("DESCRIPTION");
  for (const std::string& text : command.about) out += ".PP\n" + troff(text) + "\n";
  for (const Section& s : sections_of(command)) {
    out += section(upper_title(s.title));
    if (!s.note.empty()) out += troff(s.note) + "\n";
    for (const Entry& e : s.entries) out += tagged(e);
  }
  if (command.algorithm) out += algorithm_text(command.algorithm->description());
  out += example_text(command.examples);
  return out + section("SEE ALSO") + "\\fBsmtrain\\fR(1) for exit codes and environment variables\n";
}

}  // namespace smtrain::run
