// TrainingJobRequest: a CreateTrainingJob document, typed and checked as a whole.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "run/contract/config.h"

namespace smtrain::run::training_job {

using contract::InputMode;

enum class SourceKind { prefix, manifest, augmented_manifest, folder };

struct Channel {
  std::string name;
  std::optional<std::string> content_type;
  InputMode mode = InputMode::file;
  bool gzip = false;       ///< CompressionType Gzip: decompressed on the way into the FIFO
  bool record_io = false;  ///< RecordWrapperType RecordIO
  std::optional<std::uint64_t> shuffle_seed;
  SourceKind kind = SourceKind::prefix;
  std::string uri;         ///< as given
  std::string path;        ///< where that is on this machine
  bool sharded = false;    ///< ShardedByS3Key
  std::vector<std::string> attributes;  ///< of an augmented manifest, in streaming order
  std::vector<std::string> groups;      ///< instance groups that get the channel; empty: all
};

struct MetricDefinition {
  std::string name, regex;
};

struct InstanceGroup {
  std::string name, type;
  std::int64_t count = 1;
};

/// Paths are those of this machine: URIs resolved, maps applied.
struct TrainingJobRequest {
  std::string name;
  std::string image;      ///< "" with AlgorithmName
  std::string image_tag;  ///< "1", "latest"; "" without one
  std::string algorithm;  ///< of this smtrain; "" for a user's own program
  std::map<std::string, std::string> hyperparameters;
  InputMode input_mode = InputMode::file;
  std::vector<MetricDefinition> metrics;
  std::vector<std::string> entrypoint, arguments;
  std::vector<Channel> channels;
  std::string output_uri;   ///< as given
  std::string output_path;
  bool compressed = true;   ///< OutputDataConfig.CompressionType
  std::string instance_type = "local";
  std::int64_t instance_count = 1;  ///< of all groups
  std::vector<InstanceGroup> groups;  ///< empty: one group, homogeneousCluster
  std::optional<std::int64_t> volume_gb;
  std::int64_t max_runtime = 86400;          ///< seconds, over all attempts
  std::optional<std::int64_t> max_wait;      ///< seconds, restarts and waiting included
  bool spot = false;
  std::optional<std::string> checkpoint_path;
  std::string checkpoint_uri;
  std::string checkpoint_local = "/opt/ml/checkpoints";  ///< as the program knows it
  std::int64_t max_retries = 0;
  std::map<std::string, std::string> environment;
  std::string document;  ///< the JSON text as read
  std::string folder;    ///< where relative URIs start
  std::vector<std::pair<std::string, std::string>> maps;

  bool built_in() const { return !algorithm.empty(); }
};

struct RequestOptions {
  std::string folder = ".";  ///< relative URIs start here: that of the job file
  std::vector<std::pair<std::string, std::string>> maps = {};  ///< URI prefix → path, the longest that fits
  bool lenient = false;      ///< unknown fields are notes
  bool has_exec_prefix = false;  ///< an unknown image can be run
};

/// Parses and checks the document by the rules of share/doc/training-job.md, before anything is created. All problems come in
/// one user Error, each with its place ("InputDataConfig[0].ChannelName"), what was found and what is expected. Fields that mean
/// nothing outside the cloud are logged, each once. Hyperparameters of a built-in algorithm are checked by its own table. `name`
/// is for messages.
TrainingJobRequest parse_request(std::string_view text, const std::string& name, const RequestOptions& options, Log& log);

/// Reads the file and parses it, relative URIs from its folder.
TrainingJobRequest read_request(const std::string& path, RequestOptions options, Log& log);

}  // namespace smtrain::run::training_job
