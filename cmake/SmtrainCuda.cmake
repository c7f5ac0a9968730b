# libsmtrain_cuda.so: the one thing here that sees CUDA. It links CUDA's runtime statically and opens the driver and cuBLAS itself, so
# that the executable, and a machine without a GPU, need none of them.
set(SMTRAIN_WITH_CUDA AUTO CACHE STRING "build libsmtrain_cuda.so: AUTO (where nvcc is found), ON, OFF")
set_property(CACHE SMTRAIN_WITH_CUDA PROPERTY STRINGS AUTO ON OFF)
smtrain_stamp(SMTRAIN_CUDA_STAMP compute/backend.h compute/rules.h compute/cuda_module.h)
set_source_files_properties(lib/compute/cuda_module.cc PROPERTIES COMPILE_DEFINITIONS "SMTRAIN_CUDA_STAMP=\"${SMTRAIN_CUDA_STAMP}\"")

# What of the module needs no CUDA, for its tests.
add_library(smtrain_gpu STATIC lib/gpu/gpu_backend.cc lib/gpu/gpu_learning.cc lib/gpu/gpu_search.cc lib/gpu/gpu_sparse.cc lib/gpu/staged_cache.cc
            lib/gpu/staging.cc)
target_link_libraries(smtrain_gpu PUBLIC smtrain_flags smtrain_compute)

# Finds nvcc and leaves in `variable` "" or why there is no CUDA.
function(smtrain_find_cuda variable)
  set(${variable} "" PARENT_SCOPE)
  if(SMTRAIN_SANITIZE OR SMTRAIN_FUZZERS)
    set(${variable} "off: sanitizers and fuzzers run without it" PARENT_SCOPE)
    return()
  endif()
  if(NOT DEFINED CMAKE_CUDA_HOST_COMPILER)
    set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER} CACHE FILEPATH "the C++ compiler that nvcc calls")
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)  # native code for Ampere and Hopper; what comes later compiles the PTX at its first start
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual CACHE STRING "code of the CUDA module")
  endif()
  if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(SMTRAIN_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin PATHS /usr/local/cuda/bin)
    mark_as_advanced(SMTRAIN_NVCC)
    if(NOT SMTRAIN_NVCC)
      set(${variable} "off: nvcc was not found; set CUDACXX to it" PARENT_SCOPE)
      return()
    endif()
    set(ENV{CUDACXX} ${SMTRAIN_NVCC})  # check_language() tries no compiler that the cache names
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    set(${variable} "off: nvcc was found (${SMTRAIN_NVCC}) and does not work: see CMakeFiles/CMakeError.log; a fresh build folder tries again" PARENT_SCOPE)
  endif()
endfunction()

set(SMTRAIN_CUDA "off")
if(NOT SMTRAIN_WITH_CUDA STREQUAL "OFF")
  smtrain_find_cuda(SMTRAIN_CUDA)
  if(SMTRAIN_CUDA STREQUAL "")
    enable_language(CUDA)
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
      set(SMTRAIN_CUDA "off: nvcc is of CUDA ${CMAKE_CUDA_COMPILER_VERSION}; 12 or later is needed")
    endif()
  endif()
  if(SMTRAIN_CUDA STREQUAL "")
    set(SMTRAIN_CUDA "${CMAKE_CUDA_COMPILER_VERSION}, ${CMAKE_CUDA_COMPILER}, code for ${CMAKE_CUDA_ARCHITECTURES}")
    smtrain_module(cuda STAMP ${SMTRAIN_CUDA_STAMP} LINK smtrain_flags fmt::fmt-header-only SOURCES lib/gpu/cuda_calls.cu
                   lib/gpu/cublas.cc lib/gpu/cuda_device.cc lib/gpu/gpu_backend.cc lib/gpu/gpu_learning.cc lib/gpu/gpu_search.cc lib/gpu/gpu_sparse.cc lib/gpu/module.cc
                   lib/gpu/probe.cc lib/gpu/staged_cache.cc lib/gpu/staging.cc)
    # No multiplication and addition is fused that the source does not fuse: results must not depend on the compiler.
    target_compile_options(smtrain_module_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--fmad=false>)
    set_target_properties(smtrain_module_cuda PROPERTIES CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON CUDA_RUNTIME_LIBRARY Static
                          CUDA_VISIBILITY_PRESET hidden)
    target_link_options(smtrain_module_cuda PRIVATE -Wl,--exclude-libs,ALL)  # nothing but smtrain_module() is visible
  elseif(SMTRAIN_WITH_CUDA STREQUAL "ON")
    message(FATAL_ERROR "SMTRAIN_WITH_CUDA is ON, but it is ${SMTRAIN_CUDA}")
  endif()
endif()
