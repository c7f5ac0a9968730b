// Any bytes are a list of arrays or a user Error; a list that was read is written, and read as the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "formats/archive/ndarray_list.h"

using namespace smtrain;
using namespace smtrain::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<NamedTensor> read;
  try {
    read = read_ndarray_list({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const Error& error) {
    if (error.fault() != Fault::user) std::abort();
    return 0;
  }
  const std::vector<NamedTensor> again = read_ndarray_list(write_ndarray_list(read), "again");
  if (again.size() != read.size()) std::abort();
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (again[i].name != read[i].name || again[i].shape != read[i].shape || again[i].data != read[i].data) std::abort();
  }
  return 0;
}
