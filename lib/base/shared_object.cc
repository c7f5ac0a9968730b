#include "base/shared_object.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"

namespace smtrain {
namespace {

// The file that the loader chose for a name.
std::string file_of(void* handle, const std::string& name) {
  link_map* map = nullptr;
  if (::dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr || map->l_name == nullptr || *map->l_name == '\0') return name;
  return map->l_name;
}

void* open(const std::string& name, std::string& problem) {
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* why = ::dlerror();
  problem = why == nullptr ? name : why;
  return nullptr;
}

}  // namespace

std::vector<std::string> openmp_runtimes() {
  std::vector<std::string> all;
  for (const char* name : {"libgomp", "libomp.", "libomp5", "libiomp"}) {
    for (std::string& path : loaded_libraries(name)) all.push_back(std::move(path));
  }
  return all;
}

SharedObject::SharedObject(const SharedObjectRequest& request) : library_(request.library) {
  const std::vector<std::string> before = openmp_runtimes();
  const char* given = std::getenv(request.variable.c_str());
  const bool named = given != nullptr && *given != '\0';
  const std::vector<std::string> names = named ? std::vector<std::string>{given} : request.names;
  std::vector<std::string> problems(1);
  for (const std::string& name : names) {
    handle_ = open(name, problems.back());
    if (handle_ != nullptr) {
      file_ = file_of(handle_, name);
      break;
    }
    problems.emplace_back();
  }
  if (handle_ == nullptr) {
    problems.pop_back();
    throw machine_error("{} cannot be opened: {}; {}", library_, join(problems, "; "),
                        named ? fmt::format("{} names it: correct that, or unset it to use the system's", request.variable)
                              : fmt::format("install the package {}, or name the file in {}", request.package, request.variable));
  }
  for (const std::string& runtime : openmp_runtimes()) {
    if (before.empty() || std::find(before.begin(), before.end(), runtime) != before.end()) continue;
    throw machine_error("{} brings an OpenMP runtime of its own, {}, beside {}: one process can have only one; take a {} that uses the system's",
                        file_, runtime, before.front(), library_);
  }
}

void SharedObject::find(std::initializer_list<WantedSymbol> symbols) const {
  for (const WantedSymbol& symbol : symbols) {
    *symbol.address = ::dlsym(handle_, symbol.name);
    if (*symbol.address == nullptr) throw machine_error("{} lacks the function {}: it is too old, or not {}", file_, symbol.name, library_);
  }
}

void SharedObject::find_optional(const WantedSymbol& symbol) const { *symbol.address = ::dlsym(handle_, symbol.name); }

}  // namespace smtrain
