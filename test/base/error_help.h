// What tests of refusals share.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "base/error.h"

namespace smtrain::test {

/// The message of the user Error that `body` throws; "no error" when it throws none.
template <class F>
std::string error_of(F&& body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    return error.what();
  }
  return "no error";
}

}  // namespace smtrain::test
