// Problems: user errors of several checks, gathered to be reported together.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"

namespace smtrain::run {

class Problems {
 public:
  /// Runs a check; keeps the problems of a user Error it throws and goes on, those that another check has met already only once.
  /// Other faults pass.
  template <class F>
  void check(F&& body) {
    try {
      body();
    } catch (const Error& e) {
      if (e.fault() != Fault::user) throw;
      for (const std::string& problem : e.problems()) add(problem);
    }
  }
  void add(std::string problem) {
    if (std::find(found_.begin(), found_.end(), problem) == found_.end()) found_.push_back(std::move(problem));
  }
  bool any() const { return !found_.empty(); }
  std::size_t count() const { return found_.size(); }
  /// Throws them all as one user Error, if there are any.
  void raise() const {
    if (any()) throw Error(Fault::user, found_);
  }

 private:
  std::vector<std::string> found_;
};

}  // namespace smtrain::run
