// cuBLAS, opened at run time: the few functions in use, declared here, so that building needs none of its headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace smtrain::gpu {

/// The functions, by cuBLAS's names. Status 0 is success; operation 0 takes a matrix as it is, 1 transposed.
struct Cublas {
  int (*create)(void** handle) = nullptr;
  int (*destroy)(void* handle) = nullptr;
  int (*set_stream)(void* handle, void* stream) = nullptr;
  int (*set_workspace)(void* handle, void* workspace, std::size_t bytes) = nullptr;
  int (*set_math_mode)(void* handle, int mode) = nullptr;
  int (*sgemm)(void* handle, int op_a, int op_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* alpha, const float* a,
               std::int64_t lda, const float* b, std::int64_t ldb, const float* beta, float* c, std::int64_t ldc) = nullptr;
  int (*dgemm)(void* handle, int op_a, int op_b, std::int64_t m, std::int64_t n, std::int64_t k, const double* alpha,
               const double* a, std::int64_t lda, const double* b, std::int64_t ldb, const double* beta, double* c,
               std::int64_t ldc) = nullptr;
  int (*get_property)(int property, int* value) = nullptr;
  const char* (*status_string)(int status) = nullptr;
};

/// Opens libcublas.so.<major> and fills the table. "" or what is wrong, with what to do; `version` as the library says.
std::string open_cublas(int major, Cublas& table, std::string& version);

}  // namespace smtrain::gpu
