# Options, and the one interface target that carries the compiler flags.
option(SMTRAIN_TESTS "build the tests" ON)
option(SMTRAIN_BENCHMARKS "build the benchmarks" OFF)
option(SMTRAIN_DEVICE_BENCH "build those of the GPU alone, which need no Google Benchmark" OFF)
option(SMTRAIN_FUZZERS "build the fuzz targets (clang)" OFF)
option(SMTRAIN_WERROR "warnings are errors" OFF)
set(SMTRAIN_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize takes them (address,undefined or thread)")
option(SMTRAIN_OPENMP "threads by OpenMP; off for ThreadSanitizer, which misreads libgomp" ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(smtrain_flags INTERFACE)
target_include_directories(smtrain_flags INTERFACE ${PROJECT_SOURCE_DIR}/lib)
# -ffp-contract=off: results must not depend on where the compiler fuses; kernels say fma where they mean it.
target_compile_options(smtrain_flags INTERFACE
                       "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-ffp-contract=off;-fno-math-errno>")
# g++ 12 sees overlaps and overflows at -O3 in std::string (GCC bug 105329) and in fmt's format strings that are not there.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(smtrain_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict;-Wno-stringop-overflow>")
endif()
if(SMTRAIN_WERROR)
  target_compile_options(smtrain_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(SMTRAIN_SANITIZE)
  target_compile_options(smtrain_flags INTERFACE -fsanitize=${SMTRAIN_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(smtrain_flags INTERFACE -fsanitize=${SMTRAIN_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # its manual: sanitizers make this warning see what is not there; here in <regex>
    target_compile_options(smtrain_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(SMTRAIN_FUZZERS)  # libFuzzer steers by what the libraries do, so that they report it
  target_compile_options(smtrain_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
# Two builds of one commit in two folders give the same executable.
target_compile_options(smtrain_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=>)
