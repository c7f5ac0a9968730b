#include "run/describe/describe.h"

#include <map>

#include "base/text.h"
#include "job/intake.h"
#include "run/describe/describe_text.h"

namespace smtrain::run {
namespace {

const char* const kGenerated = "<!-- Generated from the option tables by: smtrain documents -->\n";

// Text inside a table cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += "\\|";
    else if (c == '<') out += "&lt;";
    else out += c;
  }
  return out;
}

std::string code(std::string_view text) { return text.empty() ? "" : "`" + std::string(text) + "`"; }

std::string code_cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return code(out);
}

std::string code_list(std::span<const std::string> texts) {
  std::vector<std::string> all;
  for (const std::string& text : texts) all.push_back(code(text));
  return join(all, ", ");
}

std::string row(std::initializer_list<std::string> cells) {
  std::string out = "|";
  for (const std::string& c : cells) out += " " + c + " |";
  return out + "\n";
}

std::string header(std::initializer_list<std::string> names) {
  std::string rule = "|";
  for (std::size_t i = 0; i < names.size(); ++i) rule += "---|";
  return row(names) + rule + "\n";
}

std::string example_blocks(std::span<const job::Example> examples) {
  std::string out;
  for (const job::Example& e : examples) out += "# " + e.comment + "\n" + e.command + "\n";
  return "```sh\n" + out + "```\n\n";
}

std::string default_cell(const job::Hyperparameter& h) {
  if (h.default_text) return h.default_text->empty() ? "empty" : code(*h.default_text);
  if (h.from_data) return "from the data";
  return h.required ? "**required**" : "";
}

std::string tuning_cell(const job::Hyperparameter& h) {
  if (!h.tunable) return "";
  if (!h.tunable->values.empty()) return code_list(h.tunable->values);
  std::string text = fmt::format("{} to {}", h.tunable->min, h.tunable->max);
  if (h.tunable->scale == job::Scale::logarithmic) text += ", logarithmic";
  return text;
}

std::string meaning_cell(const job::Hyperparameter& h) {
  std::string text = cell(h.help);
  if (h.ignored) text += " Without effect.";
  if (!h.aliases.empty()) text += " Also: " + code_list(h.aliases) + ".";
  return text;
}

std::string hyperparameter_table(const job::Description& d) {
  std::string out = "## Hyperparameters\n\n" + header({"name", "valid", "default", "tuning range", "meaning"});
  for (const job::Hyperparameter& h : d.hyperparameters.entries()) {
    out += row({code(h.name), cell(h.expected()), default_cell(h), tuning_cell(h), meaning_cell(h)});
  }
  return out + "\n";
}

// What smtrain reads beyond the service, where there is anything; the channels that share it together.
std::string extensions(const job::Description& d) {
  std::map<std::string, std::vector<std::string>> channels;
  for (const job::ChannelSpec& c : d.channels) channels[code_list(job::extensions_of(d, c))].push_back(code(c.name));
  std::string out;
  for (const auto& [types, names] : channels) {
    if (!types.empty()) out += fmt::format("Beyond the service, smtrain reads for {}: {}.\n\n", join(names, ", "), types);
  }
  return out;
}

std::string channel_table(const job::Description& d) {
  std::string out = "## Channels\n\n" + header({"name", "", "content types", "input modes", "distribution", "meaning"});
  for (const job::ChannelSpec& c : d.channels) {
    out += row({code(c.name), c.required ? "required" : "optional", code_list(c.content_types), join(c.input_modes, ", "),
                c.distribution, cell(c.help)});
  }
  return out + "\n" + extensions(d);
}

std::string goal_name(job::MetricSpec::Goal goal) {
  switch (goal) {
    case job::MetricSpec::Goal::minimize: return "minimise";
    case job::MetricSpec::Goal::maximize: return "maximise";
    case job::MetricSpec::Goal::none: break;
  }
  return "";
}

std::string metric_table(const job::Description& d) {
  std::string out = "## Metrics\n\n" + header({"name", "goal", "tuning objective", "regular expression", "meaning"});
  for (const job::MetricSpec& m : d.metrics) {
    out += row({code(m.name), goal_name(m.goal), m.objective ? "yes" : "", code_cell(m.regex), cell(m.help)});
  }
  return out + "\n";
}

std::string bullets(const std::string& title, std::span<const std::string> items) {
  std::string out = "## " + title + "\n\n";
  for (const std::string& item : items) out += "- " + item + "\n";
  return out + "\n";
}

std::string entry_table(std::span<const Entry> entries) {
  std::string out = header({"", "meaning"});
  for (const Entry& e : entries) out += row({code_cell(e.term()), cell(e.text)});
  return out + "\n";
}

std::string term_table(const std::string& title, const std::string& name, const std::vector<Term>& terms) {
  std::string out = "## " + title + "\n\n" + header({name, "meaning"});
  for (const Term& t : terms) out += row({code(t.name), cell(t.text)});
  return out + "\n";
}

std::string subcommand_page(const Subcommand& s) {
  std::string out = "## smtrain " + s.name + "\n\n" + s.summary + ".\n\n```\n" + s.usage + "\n```\n\n";
  for (const std::string& text : s.about) out += text + "\n\n";
  for (const Section& section : sections_of(s)) {
    if (section.title == "Common options" || section.title == "Hyperparameters") continue;
    out += entry_table(section.entries);
  }
  if (s.algorithm) out += "Hyperparameters are flags too: see [" + s.name + "](" + s.name + ".md).\n\n";
  return out + example_blocks(s.examples);
}

}  // namespace

std::string reference_page(const job::Description& d) {
  std::string out = kGenerated + ("# " + d.title) + " (`" + d.name + "`)\n\n" + d.summary + ".\n\n";
  for (const std::string& text : d.about) out += text + "\n\n";
  out += example_blocks(d.examples);
  out += hyperparameter_table(d) + channel_table(d) + metric_table(d);
  out += "## Inference\n\nRequests: " + code_list(d.accepts) + ".\nAnswers: " + code_list(d.answers) + ".\n\n";
  out += bullets("Model", d.model_files);
  out += "## Facts\n\n" + header({"", ""}) + row({"tasks", join(d.tasks, ", ")}) + row({"data", join(d.data, ", ")}) +
         row({"devices", join(d.devices, ", ")}) + row({"other names", code_list(d.aliases)}) + "\n";
  out += bullets("Literature", d.papers);
  out.pop_back();
  return out;
}

std::string command_line_page() {
  std::string out = kGenerated + std::string("# Command line\n\n");
  out += "Options stand in any order; `--` ends them; `-` and `_` are the same in their names; `-` as a path is standard input "
         "or output.\nA setting comes from its flag, else from its variable, else from `smtrain_NAME` among the "
         "hyperparameters, else from the user's configuration, else from its default.\n\n";
  for (const Subcommand& s : subcommands()) out += subcommand_page(s);
  std::vector<Entry> common;
  for (const Flag& flag : common_flags()) common.push_back(entry_of(flag));
  out += "## Common options\n\n" + entry_table(common);
  out += term_table("Exit codes", "code", exit_codes());
  out += term_table("Environment variables", "variable", environment_variables());
  out.pop_back();
  return out;
}

}  // namespace smtrain::run
