// What tests of inspect share.
#pragma once

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "run/console/collecting_console.h"
#include "run/requests.h"

namespace smtrain::test {

struct Answer {
  std::string out;
  std::vector<std::string> problems;  ///< of the answer when it is JSON, else of the Error that ended it
  nlohmann::json parsed() const { return nlohmann::json::parse(out); }
};

/// With two threads.
inline Answer answer_to(run::InspectRequest request) {
  request.common.threads.value = 2;
  CollectingConsole console;
  Answer answer;
  try {
    run::inspect(request, console);
  } catch (const Error& error) {
    CHECK(error.exit_code() == 2);
    answer.problems = error.problems();
    // The Error says the first of them.
    CHECK(answer.problems.size() == 1);
  }
  answer.out = console.out;
  if (request.json && !answer.problems.empty() && !answer.out.empty()) answer.problems = answer.parsed()["problems"].get<std::vector<std::string>>();
  return answer;
}

}  // namespace smtrain::test
