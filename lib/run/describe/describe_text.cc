#include "run/describe/describe_text.h"

#include <algorithm>

#include "base/text.h"

namespace smtrain::run {

// ---- layout ---------------------------------------------------------------------------------------------------------------

std::string paragraph(std::string_view text, std::size_t indent) {
  std::string out;
  for (const std::string& line : wrap(text, kHelpWidth - indent)) out += std::string(indent, ' ') + line + "\n";
  return out;
}

std::string two_columns(std::string_view term, std::string_view explanation, std::size_t column) {
  std::string out = "  " + std::string(term);
  const std::vector<std::string> lines = wrap(explanation, kHelpWidth - column);
  const bool beside = out.size() + 2 <= column;
  if (!beside || lines.empty()) out += "\n";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t have = i == 0 && beside ? out.size() : 0;
    out += std::string(column - have, ' ') + lines[i] + "\n";
  }
  return out;
}

// ---- entries --------------------------------------------------------------------------------------------------------------

namespace {

std::string setting_variable(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return "SMTRAIN_" + name;
}

void add_sentence(std::string& text, const std::string& sentence) {
  if (!text.empty()) text += ' ';
  text += sentence;
}

std::string metavar_of(const job::Hyperparameter& p) {
  switch (p.kind) {
    case job::Kind::integer: return "INTEGER";
    case job::Kind::number: return "NUMBER";
    case job::Kind::boolean: return "BOOLEAN";
    case job::Kind::choice: return "CHOICE";
    case job::Kind::list: return "LIST";
    case job::Kind::text: break;
  }
  return "TEXT";
}

std::string default_of(const job::Hyperparameter& p) {
  if (p.ignored) return "without effect";
  if (p.default_text) return "default " + (p.default_text->empty() ? "empty" : *p.default_text);
  if (p.from_data) return "default: from the data";
  return p.required ? "required" : "";
}

}  // namespace

std::string Entry::term() const {
  const std::string names = letter.empty() ? name : letter + ", " + name;
  return metavar.empty() ? names : names + " " + metavar;
}

Entry entry_of(const Flag& flag) {
  Entry e;
  if (flag.letter) e.letter = std::string("-") + flag.letter;
  e.name = "--" + flag.name;
  e.metavar = flag.metavar;
  e.text = flag.help;
  if (flag.required) add_sentence(e.text, "Required.");
  if (flag.repeatable) add_sentence(e.text, "May be repeated.");
  if (!flag.default_text.empty()) add_sentence(e.text, "Default: " + flag.default_text + ".");
  e.values = flag.choices;
  e.is_path = flag.value == FlagValue::path;
  e.repeatable = flag.repeatable;
  return e;
}

Entry entry_of(const job::Hyperparameter& parameter) {
  Entry e;
  e.name = "--" + parameter.name;
  e.metavar = metavar_of(parameter);
  e.text = parameter.help;
  const std::string rest = default_of(parameter);
  add_sentence(e.text, "(" + parameter.expected() + (rest.empty() ? ")" : "; " + rest + ")"));
  e.values = values_of(parameter);
  return e;
}

Entry entry_of_positional(const Flag& flag) {
  Entry e = entry_of(flag);
  e.name = flag.metavar;
  e.metavar.clear();
  e.text = flag.help;
  if (!flag.choices.empty()) add_sentence(e.text, "One of " + join(flag.choices, ", ") + ".");
  return e;
}

std::vector<std::string> values_of(const job::Hyperparameter& parameter) {
  std::vector<std::string> values;
  if (parameter.kind == job::Kind::boolean) values = {"true", "false"};
  for (const job::Choice& c : parameter.choices) values.push_back(c.name);
  if (parameter.allows_auto) values.insert(values.begin(), "auto");
  return values;
}

bool internal(const job::Hyperparameter& parameter) { return parameter.ignored && parameter.name.starts_with('_'); }

// ---- sections ---------------------------------------------------------------------------------------------------------------

namespace {

bool about_channels(const job::Description& d, const Flag& flag) {
  const bool named = std::any_of(d.channels.begin(), d.channels.end(), [&](const auto& c) { return c.name == flag.name; });
  return named || flag.name == "channel" || flag.name == "content-type" || flag.name == "input-mode";
}

Section hyperparameter_section(const job::Description& d) {
  Section s{"Hyperparameters", "The service's names; - and _ are the same here. Names internal to the service are taken and ignored.", {}};
  for (const job::Hyperparameter& h : d.hyperparameters.entries()) {
    if (!internal(h)) s.entries.push_back(entry_of(h));
  }
  return s;
}

Section common_section() {
  Section s{"Common options", "", {}};
  for (const Flag& flag : common_flags()) s.entries.push_back(entry_of(flag));
  return s;
}

}  // namespace

std::vector<Section> sections_of(const Subcommand& command) {
  std::vector<Section> sections;
  Section arguments{"Arguments", "", {}}, channels{"Channels", "", {}}, options{"Options", "", {}};
  for (const Flag& flag : command.positionals) arguments.entries.push_back(entry_of_positional(flag));
  for (const Flag& flag : command.flags) {
    const bool channel = command.algorithm && about_channels(command.algorithm->description(), flag);
    (channel ? channels : options).entries.push_back(entry_of(flag));
  }
  if (command.algorithm) channels.note = "PATH is a file, a folder, a glob, - (standard input) or a file:// URI.";
  for (Section* s : {&arguments, &channels}) {
    if (!s->entries.empty()) sections.push_back(std::move(*s));
  }
  if (command.algorithm) sections.push_back(hyperparameter_section(command.algorithm->description()));
  if (!options.entries.empty()) sections.push_back(std::move(options));
  sections.push_back(common_section());
  return sections;
}

// ---- exit codes and variables -------------------------------------------------------------------------------------------------

std::vector<Term> exit_codes() {
  return {{"0", "Done; every output is whole."},
          {"1", "A fault of the machine or of smtrain: a full disk, out of memory, a library that is not there."},
          {"2", "A fault of the input, the hyperparameters or the command line."},
          {"128+N", "Ended by signal N; 130 after an interrupt."}};
}

std::vector<Term> environment_variables() {
  std::vector<Term> all;
  for (const Flag& flag : common_flags()) {
    if (flag.setting) all.push_back({setting_variable(flag.name), "As --" + flag.name + "; the flag comes first."});
  }
  all.push_back({"SMTRAIN_KERNELS", "baseline, avx2 or avx512: uses no better kernels than that, for equal bytes on unlike CPUs."});
  all.push_back({"OMP_NUM_THREADS, SLURM_CPUS_PER_TASK", "Limit the default number of threads."});
  all.push_back({"OMP_WAIT_POLICY", "How idle threads wait; passive unless set."});
  all.push_back({"OPENBLAS_CORETYPE", "The CPU whose kernels OpenBLAS uses; by SMTRAIN_KERNELS or what the CPU can do unless set."});
  all.push_back({"SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU", "Limit the default memory budget."});
  all.push_back({"NO_COLOR, FORCE_COLOR, TERM", "Colours: never, always, never when dumb; else on a terminal only."});
  all.push_back({"TMPDIR", "Scratch files; /tmp unless set."});
  all.push_back({"XDG_CONFIG_HOME, HOME", "Where the user's configuration is: smtrain/config.json in XDG_CONFIG_HOME or ~/.config, "
                                          "an object with settings by the names of their flags."});
  all.push_back({"SOURCE_DATE_EPOCH", "Times inside of archives, in seconds since 1970; 0 unless set."});
  return all;
}

}  // namespace smtrain::run
