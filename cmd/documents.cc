#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/system_error.h"
#include "commands.h"
#include "run/describe/describe.h"

namespace smtrain::cmd {
namespace {

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw system_error(error.value(), "{}", folder.string());
}

}  // namespace

void documents(CommandLine& line, Session&) {
  const std::filesystem::path root = line.positionals[0];
  for (const auto& [path, text] : run::generated_documents()) {
    make_folder((root / path).parent_path());
    AtomicFile file(root / path);
    file.write(text);
    file.commit();
  }
}

}  // namespace smtrain::cmd
