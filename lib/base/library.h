// What a folder says about the libraries it uses, for `info`.
#pragma once

#include <string>

namespace smtrain {

struct Library {
  std::string name;     ///< "zstd"
  std::string version;  ///< of the library in use, not of its header, where it tells
  std::string detail;   ///< "OpenMP flavour", ""; one line
  std::string file;     ///< part of its shared object's name, to be looked for among the loaded ones; "" when linked in
};

}  // namespace smtrain
