#include "gpu/cublas.h"

#include <fmt/format.h>

#include "gpu/shared_library.h"

namespace smtrain::gpu {
namespace {

constexpr int kMajor = 0, kMinor = 1;  // libraryPropertyType

// A cuBLAS of another major version that would open, to be named beside the one that is missing.
std::string other_version(int major) {
  for (int other = major + 3; other >= 10; --other) {
    std::string ignored;
    if (other != major && open_library(fmt::format("libcublas.so.{}", other).c_str(), ignored) != nullptr)
      return fmt::format("; libcublas.so.{} is there, but this build needs version {}", other, major);
  }
  return "";
}

}  // namespace

std::string open_cublas(int major, Cublas& table, std::string& version) {
  const std::string file = fmt::format("libcublas.so.{}", major);
  std::string why;
  void* library = open_library(file.c_str(), why);
  const std::string cure = fmt::format("install cuBLAS {}, or name its folder in LD_LIBRARY_PATH", major);
  if (library == nullptr) return fmt::format("cuBLAS is missing: {}{}; {}", why, other_version(major), cure);
  std::string lacking = find_symbols(library, {symbol("cublasGetProperty", table.get_property)});
  int found_major = 0, minor = 0;
  if (lacking.empty() && (table.get_property(kMajor, &found_major) != 0 || table.get_property(kMinor, &minor) != 0))
    return fmt::format("cuBLAS ({}) does not tell its version; {}", file, cure);
  if (lacking.empty() && found_major != major)
    return fmt::format("cuBLAS ({}) says it is version {}.{}; this build needs version {}; {}", file, found_major, minor, major, cure);
  if (lacking.empty()) {
    version = fmt::format("{}.{}", found_major, minor);
    lacking = find_symbols(library, {symbol("cublasCreate_v2", table.create), symbol("cublasDestroy_v2", table.destroy),
                                     symbol("cublasSetStream_v2", table.set_stream),
                                     symbol("cublasSetWorkspace_v2", table.set_workspace),
                                     symbol("cublasSetMathMode", table.set_math_mode), symbol("cublasSgemm_v2_64", table.sgemm),
                                     symbol("cublasDgemm_v2_64", table.dgemm), symbol("cublasGetStatusString", table.status_string)});
  }
  if (lacking.empty()) return "";
  return fmt::format("cuBLAS {} ({}) lacks the function {}: it is damaged or too old; {}", version, file, lacking, cure);
}

}  // namespace smtrain::gpu
