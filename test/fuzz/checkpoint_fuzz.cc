// Any bytes are a checkpoint or a user Error; one that was read is written, and read as the same again. The checksum of every
// second input is made right, so that what stands behind it is reached.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/error.h"
#include "formats/archive/checksum.h"
#include "job/checkpoint_file.h"

using namespace smtrain;
using namespace smtrain::job;

namespace {

void read(const std::string& bytes) {
  Checkpoint read;
  try {
    read = read_checkpoint(bytes, "fuzz");
  } catch (const Error& error) {
    if (error.fault() != Fault::user) std::abort();
    return;
  }
  const std::string again = write_checkpoint(read);
  if (write_checkpoint(read_checkpoint(again, "again")) != again) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  if (size < 4) return 0;
  const std::uint32_t crc = formats::crc32(std::string_view(bytes).substr(0, size - 4));
  std::memcpy(bytes.data() + size - 4, &crc, 4);
  read(bytes);
  return 0;
}
