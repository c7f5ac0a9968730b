// A driver that is none: answers what its variables say, for tests of what the CUDA module makes of it.
//   STUB_DRIVER   the version it serves, 13000 if unset      STUB_DEVICES  how many devices, 1 if unset
//   STUB_INIT     what cuInit returns, 0 if unset            STUB_MAJOR    their compute capability, 9 if unset
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {
int number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}
}  // namespace

extern "C" {
int cuDriverGetVersion(int* version) { return *version = number("STUB_DRIVER", 13000), 0; }
int cuInit(unsigned) { return number("STUB_INIT", 0); }
int cuDeviceGetCount(int* count) { return *count = number("STUB_DEVICES", 1), 0; }
int cuDeviceGet(int* device, int index) { return *device = index, 0; }
int cuDeviceGetName(char* name, int, int) { return std::strcpy(name, "Stub 1000"), 0; }
int cuDeviceGetAttribute(int* value, int attribute, int) { return *value = attribute == 75 ? number("STUB_MAJOR", 9) : 0, 0; }
#ifndef STUB_INCOMPLETE
int cuDeviceTotalMem_v2(std::size_t* bytes, int) { return *bytes = std::size_t{1} << 34, 0; }
#endif
int cuGetErrorString(int error, const char** text) { return *text = error == 100 ? "no CUDA-capable device is detected" : "stub error", 0; }
}
