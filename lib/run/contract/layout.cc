#include "run/contract/layout.h"

#include "base/error.h"
#include "base/system_error.h"

namespace smtrain::run::contract {

namespace fs = std::filesystem;

fs::path Layout::local(const fs::path& path) const {
  fs::path plain = path.lexically_normal();
  if (plain.filename().empty() && plain != plain.root_path()) plain = plain.parent_path();  // without the last slash
  const fs::path below = plain.lexically_relative(kRoot);
  if (below.empty() || *below.begin() == "..") return plain;
  return below == "." ? root_ : root_ / below;
}

void Layout::make_folders() const {
  for (const fs::path& folder : {config(), data(), code(), model(), checkpoints(), output_data()}) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw system_error(error.value(), "cannot make the folder {}", folder.string());
  }
}

}  // namespace smtrain::run::contract
