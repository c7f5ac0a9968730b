// Any bytes as Matrix Market text: probe, cut and parse. Rows come out or a user Error, whatever the pieces.
#include "matrix_file.h"
#include "formats/matrix/matrix_market_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return smtrain::fuzz::fuzz_matrix_file<smtrain::formats::MatrixMarketParser>("mtx", data, size);
}
