// A cuBLAS that is none. STUB_CUBLAS: its major version, that of its file name if unset.
#include <cstdlib>

extern "C" {
int cublasGetProperty(int property, int* value) {
  const char* text = std::getenv("STUB_CUBLAS");
  *value = property != 0 ? 5 : text == nullptr ? STUB_MAJOR_VERSION : std::atoi(text);
  return 0;
}
int cublasCreate_v2(void**) { return 1; }
int cublasDestroy_v2(void*) { return 1; }
int cublasSetStream_v2(void*, void*) { return 1; }
int cublasSetWorkspace_v2(void*, void*, unsigned long) { return 1; }
int cublasSetMathMode(void*, int) { return 1; }
#ifndef STUB_INCOMPLETE
int cublasSgemm_v2_64() { return 1; }
#endif
int cublasDgemm_v2_64() { return 1; }
const char* cublasGetStatusString(int) { return "stub status"; }
}
