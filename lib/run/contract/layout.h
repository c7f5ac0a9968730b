// The tree of the container contract: where a training program finds its input and leaves its output, below a root.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace smtrain::run::contract {

/// The root inside of a container.
inline constexpr std::string_view kRoot = "/opt/ml";

/// Names of the paths below a root; touches nothing. A channel's name comes from config.h, which has checked it.
class Layout {
 public:
  explicit Layout(std::filesystem::path root = kRoot) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path config() const { return root_ / "input" / "config"; }
  std::filesystem::path hyperparameters() const { return config() / "hyperparameters.json"; }
  std::filesystem::path channels() const { return config() / "inputdataconfig.json"; }
  std::filesystem::path resources() const { return config() / "resourceconfig.json"; }
  std::filesystem::path checkpoint_config() const { return config() / "checkpointconfig.json"; }

  std::filesystem::path data() const { return root_ / "input" / "data"; }
  /// File and FastFile mode: the folder. Pipe mode: what the FIFOs' names begin with.
  std::filesystem::path channel(const std::string& name) const { return data() / name; }
  std::filesystem::path fifo(const std::string& name, std::int64_t epoch) const {
    return data() / (name + "_" + std::to_string(epoch));
  }
  /// File mode: the list of the channel's objects, beside the folder.
  std::filesystem::path manifest(const std::string& name) const { return data() / (name + "-manifest"); }

  std::filesystem::path code() const { return root_ / "code"; }
  std::filesystem::path model() const { return root_ / "model"; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path output() const { return root_ / "output"; }
  std::filesystem::path output_data() const { return output() / "data"; }
  std::filesystem::path output_intermediate() const { return output() / "intermediate"; }
  std::filesystem::path failure() const { return output() / "failure"; }

  /// A path as configurations write it: what lies below /opt/ml lies below the root, anything else stays.
  std::filesystem::path local(const std::filesystem::path& path) const;

  /// Makes every folder above that is not there. Throws Error naming the one that cannot be made.
  void make_folders() const;

 private:
  std::filesystem::path root_;
};

}  // namespace smtrain::run::contract
