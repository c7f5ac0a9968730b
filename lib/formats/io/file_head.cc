#include "formats/io/file_head.h"

#include "formats/io/byte_stream.h"

namespace smtrain::formats {

std::string file_head(const InputFile& file, std::size_t bytes) {
  std::string head(bytes, '\0');
  head.resize(open_bytes(file)->read(head));
  return head;
}

}  // namespace smtrain::formats
