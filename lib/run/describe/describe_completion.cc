#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "run/describe/describe.h"
#include "run/describe/describe_text.h"

// The scripts are the shell's own functions with tables between them: the tables come from the descriptions, the functions
// are below as they stand.
namespace smtrain::run {
namespace {

// In single quotes for a POSIX shell and zsh.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// In single quotes for fish, where only \ and ' are special.
std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::vector<Entry> options_of(const Subcommand& s) {
  std::vector<Entry> all;
  for (const Section& section : sections_of(s)) {
    for (const Entry& e : section.entries) {
      if (e.name.starts_with("--")) all.push_back(e);
    }
  }
  return all;
}

std::string first_sentence(const std::string& text) {
  const std::size_t end = text.find(". ");
  std::string sentence = text.substr(0, end);
  if (!sentence.empty() && sentence.back() == '.') sentence.pop_back();
  return sentence;
}

// A case branch of the subcommand, by all its names.
std::string branch(const Subcommand& s) {
  std::string names = s.name;
  for (const std::string& alias : s.aliases) names += "|" + alias;
  return names;
}

std::string flag_pattern(const Entry& e) { return e.letter.empty() ? e.name : e.name + "|" + e.letter; }

std::string quoted_words(std::span<const std::string> words) {
  std::string out;
  for (const std::string& w : words) out += " " + shell_quoted(w);
  return out;
}

std::vector<std::string> positional_values(const Subcommand& s) {
  return s.positionals.empty() ? std::vector<std::string>{} : s.positionals.front().choices;
}

// The flags of a subcommand, or those of every subcommand where none is typed yet.
struct Group {
  std::string pattern;
  std::vector<Entry> options;
  std::vector<std::string> words;  // "path": file names
};

Group common_group() {
  Group g{"*", {}, {}};
  for (const Flag& flag : common_flags()) g.options.push_back(entry_of(flag));
  Entry version;
  version.name = "--version";
  version.text = "Prints the version.";
  g.options.push_back(version);
  return g;
}

std::vector<Group> groups() {
  std::vector<Group> all;
  for (const Subcommand& s : subcommands()) {
    Group g{branch(s), options_of(s), positional_values(s)};
    if (g.words.empty() && !s.positionals.empty()) g.words = {"path"};
    all.push_back(std::move(g));
  }
  all.push_back(common_group());
  return all;
}

std::string kinds_of(const Group& g) {
  std::string paths, others;
  for (const Entry& e : g.options) {
    std::string& patterns = e.is_path ? paths : others;
    if (!e.metavar.empty()) patterns += (patterns.empty() ? "" : "|") + flag_pattern(e);
  }
  std::string out = "    " + g.pattern + ")\n      case $2 in\n";
  if (!paths.empty()) out += "      " + paths + ") echo path ;;\n";
  if (!others.empty()) out += "      " + others + ") echo value ;;\n";
  return out + "      esac ;;\n";
}

std::string values_of(const Group& g) {
  std::string out = "    " + g.pattern + ")\n      case $2 in\n";
  for (const Entry& e : g.options) {
    if (!e.values.empty()) out += "      " + flag_pattern(e) + ") printf '%s\\n'" + quoted_words(e.values) + " ;;\n";
  }
  return out + "      esac ;;\n";
}

// What both bash and zsh need: the kind of value a flag takes, its values, and the words of a subcommand.
std::string posix_tables() {
  std::string kinds, values, words;
  for (const Group& g : groups()) {
    kinds += kinds_of(g);
    values += values_of(g);
    if (!g.words.empty()) words += "    " + g.pattern + ") printf '%s\\n'" + quoted_words(g.words) + " ;;\n";
  }
  return "# path, value, or nothing: what follows flag $2 of subcommand $1\n_smtrain_kind() {\n  case $1 in\n" + kinds +
         "  esac\n}\n\n# the values of flag $2 of subcommand $1, where they can be listed\n_smtrain_values() {\n  case $1 in\n" +
         values + "  esac\n}\n\n# the words that may follow subcommand $1; \"path\" stands for file names\n"
         "_smtrain_words() {\n  case $1 in\n" + words + "  esac\n}\n\n";
}

// ---- bash -----------------------------------------------------------------------------------------------------------------

const char* const kBashFunctions = R"sh(# Adds the candidates that begin with $1, - and _ counted as the same; what the shell would take apart is quoted, unless
# the user has opened a quote.
_smtrain_offer() {
  local typed=${1//_/-} candidate quote
  quote=${typed%%[!\"\']*}
  typed=${typed#"$quote"}
  shift
  for candidate in "$@"; do
    [[ ${candidate//_/-} == "$typed"* ]] || continue
    [[ -n $quote ]] || printf -v candidate %q "$candidate"
    COMPREPLY+=("$candidate")
  done
}

_smtrain_files() {
  compopt -o filenames -o default 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# The flag as the tables spell it.
_smtrain_spelled() {
  local flag
  for flag in $(_smtrain_flags "$1"); do
    [[ ${flag//_/-} == "${2//_/-}" ]] && { echo "$flag"; return; }
  done
  echo "$2"
}

_smtrain() {
  local IFS=$' \t\n' line=() i word command='' flag='' cur values
  COMPREPLY=()
  # Readline splits at = and :, which stand inside our words.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((${#line[@]})) && [[ $word == [=:] || ${COMP_WORDS[i - 1]} == [=:] ]] && ((i > 1)); then
      line[${#line[@]} - 1]+=$word
    else
      line+=("$word")
    fi
  done
  cur=${line[${#line[@]} - 1]}
  unset "line[${#line[@]}-1]"
  for word in "${line[@]}"; do
    if [[ -n $flag ]]; then
      flag=''
    elif [[ $word == -* ]]; then
      [[ $word != *=* && -n $(_smtrain_kind "$command" "$(_smtrain_spelled "$command" "$word")") ]] && flag=$word
    elif [[ -z $command ]]; then
      command=$word
    fi
  done
  local glued=''
  if [[ -z $flag && $cur == --*=* ]]; then
    flag=${cur%%=*}
    cur=${cur#*=}
    glued=1
  fi
  if [[ -n $flag ]]; then
    flag=$(_smtrain_spelled "$command" "$flag")
    mapfile -t values < <(_smtrain_values "$command" "$flag")
    if ((${#values[@]})); then
      _smtrain_offer "$cur" "${values[@]}"
      # What stands before the last = or : of the word is not ours to complete.
      local kept=${cur%"${cur##*[=:]}"}
      [[ -n $kept ]] && COMPREPLY=("${COMPREPLY[@]#"$kept"}")
    elif [[ $(_smtrain_kind "$command" "$flag") == path ]]; then
      _smtrain_files "$cur"
    fi
  elif [[ $cur == -* ]]; then
    _smtrain_offer "$cur" $(_smtrain_flags "$command")
  elif [[ -z $command ]]; then
    _smtrain_offer "$cur" $(_smtrain_subcommands)
  else
    mapfile -t values < <(_smtrain_words "$command")
    if [[ ${values[0]} == path ]]; then
      _smtrain_files "$cur"
    else
      _smtrain_offer "$cur" "${values[@]}"
    fi
  fi
}

complete -F _smtrain smtrain
)sh";

std::string bash_flags() {
  std::string out = "# the flags of subcommand $1\n_smtrain_flags() {\n  case $1 in\n";
  for (const Group& g : groups()) {
    std::vector<std::string> names;
    for (const Entry& e : g.options) {
      names.push_back(e.name);
      if (!e.letter.empty()) names.push_back(e.letter);
    }
    out += "    " + g.pattern + ") printf '%s\\n'" + quoted_words(names) + " ;;\n";
  }
  return out + "  esac\n}\n\n_smtrain_subcommands() {\n  printf '%s\\n'" + quoted_words(subcommand_names()) + "\n}\n\n";
}

std::string bash_script() {
  return "# bash completion of smtrain; generated by: smtrain completion bash\n\n" + posix_tables() + bash_flags() + kBashFunctions;
}

// ---- zsh ------------------------------------------------------------------------------------------------------------------

const char* const kZshFunctions = R"sh(_smtrain_spelled() {
  local flag
  for flag in ${(f)"$(_smtrain_flags "$1")"}; do
    flag=${flag%%:*}
    [[ ${flag//_/-} == "${2//_/-}" ]] && { print -r -- "$flag"; return }
  done
  print -r -- "$2"
}

_smtrain() {
  local command='' flag='' word cur=$words[CURRENT]
  local -a values
  for word in "${(@)words[2,CURRENT-1]}"; do
    if [[ -n $flag ]]; then
      flag=''
    elif [[ $word == -* ]]; then
      [[ $word != *=* && -n $(_smtrain_kind "$command" "$(_smtrain_spelled "$command" "$word")") ]] && flag=$word
    elif [[ -z $command ]]; then
      command=$word
    fi
  done
  if [[ -z $flag && $cur == --*=* ]]; then
    flag=${cur%%=*}
    compset -P '*='
  fi
  if [[ -n $flag ]]; then
    flag=$(_smtrain_spelled "$command" "$flag")
    values=(${(f)"$(_smtrain_values "$command" "$flag")"})
    if (( $#values )); then
      compadd -a values
    elif [[ $(_smtrain_kind "$command" "$flag") == path ]]; then
      _files
    else
      _message "value of $flag"
    fi
  elif [[ $cur == -* ]]; then
    values=(${(f)"$(_smtrain_flags "$command")"})
    _describe -o flag values -M 'm:{-_}={_-}'
  elif [[ -z $command ]]; then
    values=(${(f)"$(_smtrain_subcommands)"})
    _describe subcommand values
  else
    values=(${(f)"$(_smtrain_words "$command")"})
    if [[ $values[1] == path ]]; then
      _files
    elif (( $#values )); then
      compadd -a values
    fi
  fi
}

if [[ $funcstack[1] == _smtrain ]]; then
  _smtrain "$@"
else
  compdef _smtrain smtrain
fi
)sh";

// "name:description", the form of _describe; no name holds a colon.
std::string described(const std::string& name, const std::string& text) { return shell_quoted(name + ":" + first_sentence(text)); }

std::string zsh_flags() {
  std::string out = "# the flags of subcommand $1, with descriptions\n_smtrain_flags() {\n  case $1 in\n";
  for (const Group& g : groups()) {
    out += "    " + g.pattern + ") printf '%s\\n'";
    for (const Entry& e : g.options) {
      out += " \\\n      " + described(e.name, e.text);
      if (!e.letter.empty()) out += " " + described(e.letter, e.text);
    }
    out += " ;;\n";
  }
  out += "  esac\n}\n\n_smtrain_subcommands() {\n  printf '%s\\n'";
  for (const Subcommand& s : subcommands()) out += " \\\n    " + described(s.name, s.summary);
  return out + "\n}\n\n";
}

std::string zsh_script() {
  return "#compdef smtrain\n# zsh completion of smtrain; generated by: smtrain completion zsh\n\n" + posix_tables() + zsh_flags() +
         kZshFunctions;
}

// ---- fish -----------------------------------------------------------------------------------------------------------------

// fish takes the words apart itself, so each is quoted inside of the quotes.
std::string fish_words(std::span<const std::string> words) {
  std::vector<std::string> quotes;
  for (const std::string& w : words) quotes.push_back(fish_quoted(w));
  return fish_quoted(join(quotes, " "));
}

std::string fish_flag(const std::string& condition, const Entry& e) {
  std::string line = "complete -c smtrain -n " + fish_quoted(condition) + " -l " + e.name.substr(2);
  if (!e.letter.empty()) line += " -s " + e.letter.substr(1);
  if (!e.metavar.empty()) line += e.is_path ? " -r -F" : " -x";
  if (!e.values.empty()) line += " -a " + fish_words(e.values);
  return line + " -d " + fish_quoted(first_sentence(e.text)) + "\n";
}

std::string fish_subcommand(const Subcommand& s) {
  const std::string names = s.aliases.empty() ? s.name : s.name + " " + join(s.aliases, " ");
  const std::string condition = "__fish_seen_subcommand_from " + names;
  std::string out = "\n";
  for (const Entry& e : options_of(s)) out += fish_flag(condition, e);
  if (const auto words = positional_values(s); !words.empty())
    out += "complete -c smtrain -n " + fish_quoted(condition) + " -a " + fish_words(words) + "\n";
  else if (!s.positionals.empty())
    out += "complete -c smtrain -n " + fish_quoted(condition) + " -F\n";
  return out;
}

std::string fish_script() {
  const std::string none = "not __fish_seen_subcommand_from " + join(subcommand_names(), " ");
  std::string out = "# fish completion of smtrain; generated by: smtrain completion fish\n\ncomplete -c smtrain -f\n";
  for (const Subcommand& s : subcommands()) {
    out += "complete -c smtrain -n " + fish_quoted(none) + " -a " + s.name + " -d " + fish_quoted(s.summary) + "\n";
  }
  for (const Subcommand& s : subcommands()) out += fish_subcommand(s);
  return out;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  const std::vector<std::string> shells = {"bash", "zsh", "fish"};
  throw user_error("completion for {}: expected one of {}{}", smtrain::quoted(shell), join(shells, ", "), did_you_mean(shell, shells));
}

}  // namespace smtrain::run
