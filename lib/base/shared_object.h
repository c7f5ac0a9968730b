// Libraries of others that are opened at run time, because a program that never needs them is not to depend on them.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

namespace smtrain {

/// One function wanted from a library and where its address goes.
struct WantedSymbol {
  const char* name;
  void** address;
};

template <class Function>
WantedSymbol wanted(const char* name, Function*& to) {
  return {name, reinterpret_cast<void**>(&to)};
}

/// What to open, and the words for a user who does not have it.
struct SharedObjectRequest {
  std::string library;             ///< "libxgboost", for messages
  std::vector<std::string> names;  ///< tried in this order by the loader's search path: "libxgboost.so.0"
  std::string variable;            ///< environment variable that names another file: it alone is tried where it is set
  std::string package;             ///< "libxgboost0": what brings it on Debian
};

/// A library opened for good: closing one while threads are in it is not safe. A value; copies share it.
class SharedObject {
 public:
  /// Opens RTLD_NOW | RTLD_LOCAL. Throws a machine Error that says what was tried and what to do, or, where the library brings an OpenMP
  /// runtime beside ours (two teams of threads, and no equal results), which.
  explicit SharedObject(const SharedObjectRequest& request);
  /// Fills all the addresses. Throws a machine Error that names the first function that the library lacks.
  void find(std::initializer_list<WantedSymbol> symbols) const;
  /// Null where the library lacks it.
  void find_optional(const WantedSymbol& symbol) const;
  /// Where it was loaded from.
  const std::string& file() const { return file_; }

 private:
  std::string library_, file_;
  void* handle_ = nullptr;
};

/// The OpenMP runtimes loaded into this process, by file.
std::vector<std::string> openmp_runtimes();

}  // namespace smtrain
