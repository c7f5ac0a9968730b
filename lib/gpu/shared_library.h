// Shared objects opened at run time, and the functions wanted from them, listed in small tables.
#pragma once

#include <dlfcn.h>

#include <initializer_list>
#include <string>

namespace smtrain::gpu {

/// One function wanted from a library and where its address goes.
struct Symbol {
  const char* name;
  void** address;
};

template <class Function>
Symbol symbol(const char* name, Function*& to) {
  return {name, reinterpret_cast<void**>(&to)};
}

/// Opens `file` for good, as everything here is: closing a library while threads are in it is not safe. Null with the loader's
/// words in `problem` otherwise.
inline void* open_library(const char* file, std::string& problem) {
  void* handle = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* why = ::dlerror();
  problem = why == nullptr ? file : why;
  return nullptr;
}

/// Fills the addresses; the name of the first symbol that the library lacks, or "".
inline std::string find_symbols(void* library, std::initializer_list<Symbol> wanted) {
  for (const Symbol& s : wanted) {
    *s.address = ::dlsym(library, s.name);
    if (*s.address == nullptr) return s.name;
  }
  return "";
}

}  // namespace smtrain::gpu
