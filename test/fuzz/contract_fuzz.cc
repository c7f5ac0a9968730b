// The JSON files of the container contract: any bytes are a configuration or a user Error; what was read is written, and read as
// the same again. The first byte says which file the others are.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "run/contract/config.h"

using namespace smtrain;
using namespace smtrain::run::contract;

namespace {

// A tree that this process alone uses, in memory where the system has that.
const Layout& layout() {
  static const Layout& tree = *[] {
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path above = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    auto* made = new Layout(above / ("smtrain-fuzz-" + std::to_string(::getpid())));
    made->make_folders();
    std::atexit([] { std::filesystem::remove_all(layout().root()); });
    return made;
  }();
  return tree;
}

void hyperparameters() {
  NullLog log;
  std::map<std::string, std::string> read, again;
  for (const job::Given& g : read_hyperparameters(layout(), log)) read[g.name] = g.text;
  write_hyperparameters(layout(), read);
  for (const job::Given& g : read_hyperparameters(layout(), log)) again[g.name] = g.text;
  if (read != again) std::abort();
}

void channels() {
  const std::vector<Channel> read = read_channels(layout()).value();
  write_channels(layout(), read);
  const std::vector<Channel> again = read_channels(layout()).value();
  if (read.size() != again.size()) std::abort();
  for (std::size_t i = 0; i < read.size(); ++i) {
    const Channel &a = read[i], &b = again[i];
    if (!is_channel_name(a.name) || layout().channel(a.name).parent_path() != layout().data()) std::abort();
    if (a.name != b.name || a.content_type != b.content_type || a.mode != b.mode || a.distribution != b.distribution) std::abort();
  }
}

void resources() {
  const Resources read = read_resources(layout());
  if (read.rank() >= read.hosts.size()) std::abort();
  write_resources(layout(), read);
  const Resources again = read_resources(layout());
  if (again.hosts != read.hosts || again.current_host != read.current_host || again.current_group != read.current_group) std::abort();
}

void checkpoints() { (void)read_checkpoint_folder(layout()); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::filesystem::path files[] = {layout().hyperparameters(), layout().channels(), layout().resources(), layout().checkpoint_config()};
  void (*const reads[])() = {hyperparameters, channels, resources, checkpoints};
  const std::size_t which = data[0] % 4;
  std::ofstream(files[which], std::ios::binary).write(reinterpret_cast<const char*>(data) + 1, static_cast<std::streamsize>(size - 1));
  try {
    reads[which]();
  } catch (const Error& error) {
    if (error.fault() != Fault::user || error.problems().empty()) std::abort();
  }
  return 0;
}
