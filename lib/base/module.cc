#include "base/module.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/signals.h"
#include "base/text.h"

namespace smtrain {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders() {
  std::vector<fs::path> found;
  if (const char* given = std::getenv("SMTRAIN_MODULE_PATH"); given != nullptr && *given != '\0') {
    for (const std::string_view folder : split(given, ':')) found.emplace_back(folder);
    return found;
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return found;
  return {program.parent_path(), program.parent_path().parent_path() / "lib" / "smtrain"};
}

void* load(const std::string& file) {
  for (const fs::path& folder : folders()) {
    const fs::path path = folder / file;
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    if (void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    const char* why = ::dlerror();
    throw machine_error("module {} cannot be loaded: {}", path.string(), why == nullptr ? "unknown reason" : why);
  }
  throw machine_error("module {} is missing: not in {}; install it there, or name its folder in SMTRAIN_MODULE_PATH", file, module_folders());
}

}  // namespace

std::string module_folders() {
  std::vector<std::string> names;
  for (const fs::path& folder : folders()) names.push_back(folder.string());
  return join(names, ", ");
}

const ModuleEntry& open_module(const std::string& file, std::string_view stamp) {
  void* handle = load(file);
  using Export = const ModuleEntry* (*)();
  const auto entry_of = reinterpret_cast<Export>(::dlsym(handle, "smtrain_module"));
  const ModuleEntry* entry = entry_of == nullptr ? nullptr : entry_of();
  if (entry == nullptr || entry->size != sizeof(ModuleEntry) || entry->open == nullptr) {
    throw machine_error("module {} is not one of this smtrain: it lacks a usable smtrain_module()", file);
  }
  if (stamp != entry->stamp) {
    throw machine_error("module {} belongs to another build of smtrain: it says {} (version {}), expected {}; install both from one build",
                        file, entry->stamp, entry->version, stamp);
  }
  return *entry;
}

HostServices host_services(Log& log) {
  HostServices services;
  services.context = &log;
  services.write_log = [](void* context, Level level, std::string_view line) { static_cast<Log*>(context)->write(level, line); };
  services.fail = [](Fault fault, const std::string& problem) { throw Error(fault, problem); };
  services.stop_signal = [] { return stop_signal(); };
  return services;
}

}  // namespace smtrain
