# smtrain_library(NAME PUBLIC dep... PRIVATE dep... WITHOUT folder...): every source below lib/NAME becomes the static library
# smtrain_NAME, except for folders that are modules.
# Sources named *_avx2.cc and *_avx512.cc hold kernels of one instruction set, and nothing else is compiled for it.
function(smtrain_library name)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE;WITHOUT" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lib/${name}/*.cc)
  foreach(folder ${ARG_WITHOUT})
    list(FILTER sources EXCLUDE REGEX "/lib/${name}/${folder}/")
  endforeach()
  if(NOT sources)  # headers only, so far: the names above it can still link to it
    add_library(smtrain_${name} INTERFACE)
    target_link_libraries(smtrain_${name} INTERFACE smtrain_flags ${ARG_PUBLIC} ${ARG_PRIVATE})
    return()
  endif()
  add_library(smtrain_${name} STATIC ${sources})
  target_link_libraries(smtrain_${name} PUBLIC smtrain_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    foreach(source ${sources})
      if(source MATCHES "_avx2\\.cc$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c")
      elseif(source MATCHES "_avx512\\.cc$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
          "-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mfma;-mprefer-vector-width=512")
      endif()
    endforeach()
  endif()
endfunction()

# smtrain_stamp(VARIABLE header...): a text that differs when an interface between program and module does: these headers of lib/,
# those that every module sees, or the compiler.
function(smtrain_stamp variable)
  set(text "")
  foreach(header base/error.h base/log.h base/module.h ${ARGN})
    set(path ${PROJECT_SOURCE_DIR}/lib/${header})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(SHA256 ${path} hash)
    string(APPEND text ${hash})
  endforeach()
  string(SHA256 text "${text}")
  string(SUBSTRING ${text} 0 16 text)
  set(${variable} "${text}-${CMAKE_CXX_COMPILER_ID}-${CMAKE_CXX_COMPILER_VERSION}" PARENT_SCOPE)
endfunction()

# smtrain_module(NAME STAMP stamp SOURCES source... LINK library...): libsmtrain_NAME.so beside the executable; installed below
# lib/smtrain where it was built. It sees headers of lib/ and links no library of smtrain.
function(smtrain_module name)
  cmake_parse_arguments(ARG "" "STAMP" "SOURCES;LINK" ${ARGN})
  add_library(smtrain_module_${name} MODULE ${ARG_SOURCES})
  set_target_properties(smtrain_module_${name} PROPERTIES OUTPUT_NAME smtrain_${name} PREFIX lib
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_definitions(smtrain_module_${name} PRIVATE FMT_HEADER_ONLY
    SMTRAIN_MODULE_STAMP="${ARG_STAMP}" SMTRAIN_VERSION="${PROJECT_VERSION}")
  target_include_directories(smtrain_module_${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
  target_link_libraries(smtrain_module_${name} PRIVATE ${ARG_LINK})
  # A build of some targets alone may lack it; the program then says which module is missing.
  install(TARGETS smtrain_module_${name} LIBRARY DESTINATION lib/smtrain OPTIONAL)
endfunction()

# smtrain_tests(FOLDER dep...): test/FOLDER/*_test.cc as one program; a test file on disk is always built.
function(smtrain_tests folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/${folder}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${folder} ${sources} ${PROJECT_SOURCE_DIR}/test/main.cc)
  target_link_libraries(test_${folder} PRIVATE smtrain_catch_main smtrain_${folder} ${ARGN} smtrain_test_flags)
  target_include_directories(test_${folder} PRIVATE ${PROJECT_SOURCE_DIR}/test)
  target_compile_definitions(test_${folder} PRIVATE SMTRAIN_TEST_DATA="${PROJECT_SOURCE_DIR}/test/data")
  add_test(NAME ${folder} COMMAND test_${folder})
endfunction()

# smtrain_fuzzer(NAME dep...): test/fuzz/NAME_fuzz.cc with libFuzzer; its seed corpus is test/fuzz/corpus/NAME.
function(smtrain_fuzzer name)
  add_executable(fuzz_${name} ${PROJECT_SOURCE_DIR}/test/fuzz/${name}_fuzz.cc)
  target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()

function(smtrain_summary)
  message(STATUS "smtrain ${PROJECT_VERSION}: ${CMAKE_BUILD_TYPE}, ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
  message(STATUS "  OpenBLAS  ${OPENBLAS_OPENMP_LIBRARY}")
  message(STATUS "  CUDA      ${SMTRAIN_CUDA}")
  message(STATUS "  MPI       ${SMTRAIN_MPI}")
  message(STATUS "  tests ${SMTRAIN_TESTS}, benchmarks ${SMTRAIN_BENCHMARKS}, fuzzers ${SMTRAIN_FUZZERS}, sanitizers '${SMTRAIN_SANITIZE}'")
endfunction()
