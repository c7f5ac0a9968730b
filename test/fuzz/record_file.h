// Bytes as a file in memory that readers of records can open.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "formats/io/input_files.h"

namespace smtrain::fuzz {

class RecordFile {
 public:
  explicit RecordFile(const std::string& bytes) : fd_(::memfd_create("fuzz", 0)), size_(bytes.size()) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  ~RecordFile() { ::close(fd_); }
  formats::InputFile input() const { return {"/proc/self/fd/" + std::to_string(fd_), "fuzz", true, size_}; }

 private:
  int fd_;
  std::size_t size_;
};

}  // namespace smtrain::fuzz
