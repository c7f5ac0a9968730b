// A temporary folder whose paths are text, as readers take them.
#pragma once

#include <string>

#include "base/temporary_folder.h"

namespace smtrain::formats {

class ScratchFolder : private test::TemporaryFolder {
 public:
  std::string path() const { return TemporaryFolder::path().string(); }
  std::string operator/(const std::string& name) const { return path() + '/' + name; }
  using TemporaryFolder::write;
};

}  // namespace smtrain::formats
