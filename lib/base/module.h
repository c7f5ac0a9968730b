// Modules: libraries of ours that are loaded on demand, because what they stand on (CUDA, MPI) is not on every machine.
//
// A module is built from headers alone (an interface, and header-only parts of lib/base) and links no library of smtrain: with
// the core linked into both, loggers and flags would be silently doubled. It exports one function, smtrain_module(), and keeps
// no static state. What it needs of the program comes as HostServices. Modules are opened RTLD_NOW | RTLD_LOCAL and never closed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/log.h"

namespace smtrain {

/// What a module may ask of the program. Outlives every object that the module makes.
struct HostServices {
  void* context = nullptr;
  void (*write_log)(void* context, Level level, std::string_view line) = nullptr;
  /// Throws Error; the program owns its code.
  void (*fail)(Fault fault, const std::string& problem) = nullptr;
  int (*stop_signal)() = nullptr;
};

/// What smtrain_module() returns: who the module is, and its own entry point, whose type its interface header declares.
struct ModuleEntry {
  std::uint32_t size = sizeof(ModuleEntry);  ///< first, so that any two versions can compare it
  const char* stamp = "";                    ///< interface hash and compiler; must equal the program's
  const char* version = "";                  ///< of smtrain
  void* open = nullptr;
};

/// Where modules are looked for, in order: SMTRAIN_MODULE_PATH (folders, ':' between them) alone if set; else the folder of the
/// executable, and ../lib/smtrain beside that.
std::string module_folders();

/// Opens `file` ("libsmtrain_cuda.so") and checks its stamp. Throws a machine Error that says what is missing: no such module
/// (with the folders searched), a library that it needs (by the loader's words), or another build's module (both stamps).
/// Thread-safe.
const ModuleEntry& open_module(const std::string& file, std::string_view stamp);

/// Services that log to `log` (which outlives them) and throw from this program.
HostServices host_services(Log& log);

}  // namespace smtrain
