// The JSON files below input/config, read and written: what a program was started with.
//
// Each file is one object of at most 1 MiB. Keys may come in any order and unknown ones are skipped. What cannot be read
// is a user Error that names the file and the key.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "job/hyperparameter.h"
#include "run/contract/layout.h"

namespace smtrain::run::contract {

// ---- hyperparameters.json ---------------------------------------------------------------------------------------------

/// Names and texts in the order of the file, whose path is each value's origin; empty when there is no file. Values are
/// strings; another JSON value counts as its compact text, with a warning. A name given twice is refused.
std::vector<job::Given> read_hyperparameters(const Layout& layout, Log& log);
void write_hyperparameters(const Layout& layout, const std::map<std::string, std::string>& values);

// ---- inputdataconfig.json ---------------------------------------------------------------------------------------------

enum class InputMode { file, fast_file, pipe };
enum class Distribution { replicated, sharded };
enum class RecordWrapper { none, recordio };

struct Channel {
  std::string name;                         ///< 1 to 64 of A-Z a-z 0-9 . _ -; never "." or ".."
  std::optional<std::string> content_type;  ///< as in the request, which may have none
  InputMode mode = InputMode::file;
  Distribution distribution = Distribution::replicated;
  RecordWrapper wrapper = RecordWrapper::none;
};

/// Whether `name` may be a channel's: it becomes part of a path.
bool is_channel_name(std::string_view name);

/// The channels sorted by name; nullopt when there is no file. inputDataConfig.json is read where the lower-case name is
/// absent. A key that is absent, or null, has its default.
std::optional<std::vector<Channel>> read_channels(const Layout& layout);
void write_channels(const Layout& layout, const std::vector<Channel>& channels);

/// The values as the JSON files have them: "File", "FullyReplicated", "None", ….
const char* text_of(InputMode mode);
const char* text_of(Distribution distribution);
const char* text_of(RecordWrapper wrapper);

// ---- resourceconfig.json ----------------------------------------------------------------------------------------------

struct InstanceGroup {
  std::string name, instance_type;
  std::vector<std::string> hosts;
};

struct Resources {
  std::string current_host = "algo-1";
  std::vector<std::string> hosts = {"algo-1"};  ///< sorted as text: algo-1, algo-10, algo-2
  std::string current_group = "homogeneousCluster";
  std::string instance_type;                    ///< "" when the file does not say
  std::vector<InstanceGroup> groups;
  std::string network_interface = "eth0";

  /// The place of the current host among all; the host of rank 0 leads.
  std::size_t rank() const;
};

/// One host, algo-1, when there is no file; resourceConfig.json is read where the lower-case name is absent.
Resources read_resources(const Layout& layout);
void write_resources(const Layout& layout, const Resources& resources);

// ---- checkpointconfig.json --------------------------------------------------------------------------------------------

/// The folder for checkpoints below this layout's root; nullopt when there is no file, and checkpoints are off.
std::optional<std::filesystem::path> read_checkpoint_folder(const Layout& layout);
/// `local_path` as the program is to read it, below /opt/ml for one that runs in a container.
void write_checkpoint_config(const Layout& layout, const std::filesystem::path& local_path);

}  // namespace smtrain::run::contract
