// Any bytes as a NumPy array: probe, cut in pieces and parse. Rows come out or a user Error, whatever the pieces.
#include "matrix_file.h"
#include "formats/matrix/npy_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return smtrain::fuzz::fuzz_matrix_file<smtrain::formats::NpyParser>("npy", data, size);
}
