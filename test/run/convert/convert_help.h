// What tests of convert share.
#pragma once

#include <string>

#include "base/error_help.h"
#include "base/temporary_folder.h"
#include "run/console/collecting_console.h"
#include "run/requests.h"

namespace smtrain::test {

inline run::ConvertRequest request(const std::string& input, const std::string& output, int threads = 2) {
  run::ConvertRequest r;
  r.input = input;
  r.output = output;
  r.common.threads.value = threads;
  r.common.seed.value = 7;
  return r;
}

/// What was logged.
inline std::string converted(const run::ConvertRequest& r) {
  CollectingConsole console;
  run::convert(r, console);
  std::string text;
  for (const auto& [level, line] : console.lines) text += line + "\n";
  return text;
}

}  // namespace smtrain::test
