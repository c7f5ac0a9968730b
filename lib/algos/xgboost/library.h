// The XGBoost library: opened when it is first needed, never linked. Its errors become ours, and what it says while it works is
// gathered instead of printed.
#pragma once

#include <compare>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "algos/xgboost/calls.h"
#include "base/error.h"
#include "base/library.h"
#include "base/shared_object.h"

namespace smtrain::xgboost {

struct Version {
  int major = 0, minor = 0, patch = 0;
  auto operator<=>(const Version&) const = default;
  std::string to_string() const;
};

/// The engine of this process. Thread-safe.
class Library {
 public:
  /// Opens libxgboost.so.0 or libxgboost.so, or what SMTRAIN_XGBOOST_LIB names; the same one at every call. Throws a machine Error:
  /// no such library, one older than 1.7, or one with an OpenMP runtime of its own.
  static const Library& open();

  const Calls& calls() const { return calls_; }
  Version version() const { return version_; }
  const std::string& file() const { return object_.file(); }
  /// Whether it was built with CUDA and NCCL, with OpenMP.
  bool cuda() const { return cuda_; }
  bool openmp() const { return openmp_; }

  /// The result of a call on this thread. Throws its failure as `fault` with the engine's words, less place and stack; want of memory is
  /// the machine's.
  void check(int result, Fault fault = Fault::user) const;
  /// To be called once on a thread before calls whose messages matter; other threads' messages go to nobody.
  void listen() const;

 private:
  Library();
  SharedObject object_;
  Calls calls_{};
  Version version_;
  bool cuda_ = false, openmp_ = false;
};

/// What the engine said on this thread since the last call, one element per message, without the time: "WARNING: ../src/learner.cc:767: ...".
std::vector<std::string> take_messages();
/// As if they had not been taken.
void put_back_messages(std::vector<std::string> taken);

/// A message or an error without its time, its place in the engine's source and its stack.
std::string plain_words(std::string_view engine_text);

/// The names in a warning `Parameters: { "x", "y" } are not used.`; empty for other messages.
std::vector<std::string> unused_parameters(std::string_view message);

/// An array as the engine takes it: address, shape and type as JSON. The array must outlive the call that it is handed to.
/// `type` as numpy writes it: "<f4".
std::string array_interface(const void* data, std::initializer_list<std::size_t> shape, std::string_view type);

/// For `info`; without a version, and with the reason, when it cannot be opened.
smtrain::Library engine();

}  // namespace smtrain::xgboost
