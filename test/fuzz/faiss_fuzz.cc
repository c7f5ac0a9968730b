// Any bytes are an index or a user Error; an index that was read is written, and read as the same again.
#include "algos/knn/faiss_file.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  knn::Index index;
  if (!accepts([&] { index = knn::read_faiss_index(text_of(data, size), "fuzz"); })) return 0;
  const std::string written = knn::write_faiss_index(index);
  require(knn::write_faiss_index(knn::read_faiss_index(written, "again")) == written);
  return 0;
}
