// The words in which flags are declared: letter('o', required(flag("output", ...))). Private to lib/run.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "run/flags/flags.h"

namespace smtrain::run::flag_words {

inline Flag flag(std::string name, FlagValue value, std::string metavar, std::string help) {
  Flag f;
  f.name = std::move(name);
  f.value = value;
  f.metavar = std::move(metavar);
  f.help = std::move(help);
  return f;
}

inline Flag flag_switch(std::string name, std::string help) { return flag(std::move(name), FlagValue::none, "", std::move(help)); }

inline Flag choice_flag(std::string name, std::vector<std::string> choices, std::string default_text, std::string help) {
  Flag f = flag(std::move(name), FlagValue::choice, "", std::move(help));
  for (const std::string& c : choices) f.metavar += (f.metavar.empty() ? "" : "|") + c;
  f.choices = std::move(choices);
  f.default_text = std::move(default_text);
  return f;
}

inline Flag letter(char c, Flag f) {
  f.letter = c;
  return f;
}
inline Flag required(Flag f) {
  f.required = true;
  return f;
}
inline Flag repeatable(Flag f) {
  f.repeatable = true;
  return f;
}
inline Flag setting(Flag f) {
  f.setting = true;
  return f;
}
inline Flag with_default(std::string text, Flag f) {
  f.default_text = std::move(text);
  return f;
}
inline Flag suggesting(std::vector<std::string> values, Flag f) {
  f.choices = std::move(values);
  return f;
}

}  // namespace smtrain::run::flag_words
